/** `Unsupported`, RFC 3261 §20.40. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const unsupported: HeaderDef<Octets> = tokenHeader('Unsupported', true);
