/** `Referred-By`, RFC 3892 §3. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const referredBy: HeaderDef<NameAddr> = nameAddrHeader('Referred-By', false, 'b');
