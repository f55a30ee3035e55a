/** `Content-Encoding`, RFC 3261 §20.12. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const contentEncoding: HeaderDef<Octets> = tokenHeader('Content-Encoding', true, 'e');
