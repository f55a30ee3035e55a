/** `Subject`, RFC 3261 §20.36. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { textHeader } from '../shapes.ts';

export const subject: HeaderDef<Octets> = textHeader('Subject', 's');
