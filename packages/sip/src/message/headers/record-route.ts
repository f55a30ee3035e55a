/** `Record-Route`, RFC 3261 §20.30. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const recordRoute: HeaderDef<NameAddr> = nameAddrHeader('Record-Route', true);
