/** `Allow`, RFC 3261 §20.5. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const allow: HeaderDef<Octets> = tokenHeader('Allow', true);
