/** `Path`, RFC 3327 §4. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const path: HeaderDef<NameAddr> = nameAddrHeader('Path', true);
