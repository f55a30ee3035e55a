/** `User-Agent`, RFC 3261 §20.41. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { textHeader } from '../shapes.ts';

export const userAgent: HeaderDef<Octets> = textHeader('User-Agent');
