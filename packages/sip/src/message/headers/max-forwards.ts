/** `Max-Forwards`, RFC 3261 §20.22. */
import type { HeaderDef } from '../header.ts';
import { uint32Header } from '../shapes.ts';

export const maxForwards: HeaderDef<number> = uint32Header('Max-Forwards');
