/** `RSeq`, RFC 3262 §7.1. */
import type { HeaderDef } from '../header.ts';
import { uint32Header } from '../shapes.ts';

export const rseq: HeaderDef<number> = uint32Header('RSeq');
