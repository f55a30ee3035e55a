/** `Organization`, RFC 3261 §20.25. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { textHeader } from '../shapes.ts';

export const organization: HeaderDef<Octets> = textHeader('Organization');
