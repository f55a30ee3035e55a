/** `Diversion`, RFC 5806 §9. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const diversion: HeaderDef<NameAddr> = nameAddrHeader('Diversion', true);
