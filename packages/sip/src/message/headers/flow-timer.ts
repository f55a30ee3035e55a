/** `Flow-Timer`, RFC 5626 §11.2. */
import type { HeaderDef } from '../header.ts';
import { uint32Header } from '../shapes.ts';

export const flowTimer: HeaderDef<number> = uint32Header('Flow-Timer');
