/** `Require`, RFC 3261 §20.32. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const require: HeaderDef<Octets> = tokenHeader('Require', true);
