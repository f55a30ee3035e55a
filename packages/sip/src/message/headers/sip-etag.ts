/** `SIP-ETag`, RFC 3903 §11.3.1. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const sipEtag: HeaderDef<Octets> = tokenHeader('SIP-ETag', false);
