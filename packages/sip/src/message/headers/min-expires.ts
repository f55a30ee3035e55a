/** `Min-Expires`, RFC 3261 §20.23. */
import type { HeaderDef } from '../header.ts';
import { uint32Header } from '../shapes.ts';

export const minExpires: HeaderDef<number> = uint32Header('Min-Expires');
