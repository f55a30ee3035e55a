/** `MIME-Version`, RFC 3261 §20.24. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const mimeVersion: HeaderDef<Octets> = tokenHeader('MIME-Version', false);
