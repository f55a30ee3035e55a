/** `SIP-If-Match`, RFC 3903 §11.3.2. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const sipIfMatch: HeaderDef<Octets> = tokenHeader('SIP-If-Match', false);
