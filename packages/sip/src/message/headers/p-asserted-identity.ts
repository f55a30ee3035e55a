/** `P-Asserted-Identity`, RFC 3325 §9.1. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const pAssertedIdentity: HeaderDef<NameAddr> = nameAddrHeader('P-Asserted-Identity', true);
