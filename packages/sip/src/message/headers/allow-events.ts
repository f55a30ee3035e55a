/** `Allow-Events`, RFC 6665 §8.2.2. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const allowEvents: HeaderDef<Octets> = tokenHeader('Allow-Events', true, 'u');
