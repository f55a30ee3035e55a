/** `Server`, RFC 3261 §20.35. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { textHeader } from '../shapes.ts';

export const server: HeaderDef<Octets> = textHeader('Server');
