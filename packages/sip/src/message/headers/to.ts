/** `To`, RFC 3261 §20.39. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const to: HeaderDef<NameAddr> = nameAddrHeader('To', false, 't');
