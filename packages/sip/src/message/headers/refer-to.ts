/** `Refer-To`, RFC 3515 §2.1. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const referTo: HeaderDef<NameAddr> = nameAddrHeader('Refer-To', false, 'r');
