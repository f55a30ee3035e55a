/** `Reply-To`, RFC 3261 §20.31. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const replyTo: HeaderDef<NameAddr> = nameAddrHeader('Reply-To', false);
