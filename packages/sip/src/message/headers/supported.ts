/** `Supported`, RFC 3261 §20.37. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const supported: HeaderDef<Octets> = tokenHeader('Supported', true, 'k');
