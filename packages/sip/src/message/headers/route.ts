/** `Route`, RFC 3261 §20.34. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const route: HeaderDef<NameAddr> = nameAddrHeader('Route', true);
