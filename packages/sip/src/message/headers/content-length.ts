/** `Content-Length`, RFC 3261 §20.14. */
import type { HeaderDef } from '../header.ts';
import { uint32Header } from '../shapes.ts';

export const contentLength: HeaderDef<number> = uint32Header('Content-Length', 'l');
