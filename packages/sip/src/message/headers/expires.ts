/** `Expires`, RFC 3261 §20.19. */
import type { HeaderDef } from '../header.ts';
import { uint32Header } from '../shapes.ts';

export const expires: HeaderDef<number> = uint32Header('Expires');
