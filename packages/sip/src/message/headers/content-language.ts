/** `Content-Language`, RFC 3261 §20.13. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const contentLanguage: HeaderDef<Octets> = tokenHeader('Content-Language', true);
