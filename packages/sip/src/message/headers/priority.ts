/** `Priority`, RFC 3261 §20.26. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const priority: HeaderDef<Octets> = tokenHeader('Priority', false);
