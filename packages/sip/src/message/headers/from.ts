/** `From`, RFC 3261 §20.20. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const from: HeaderDef<NameAddr> = nameAddrHeader('From', false, 'f');
