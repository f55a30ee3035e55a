/** `P-Preferred-Identity`, RFC 3325 §9.2. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const pPreferredIdentity: HeaderDef<NameAddr> = nameAddrHeader('P-Preferred-Identity', true);
