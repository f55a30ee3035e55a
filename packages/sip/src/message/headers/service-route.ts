/** `Service-Route`, RFC 3608 §5. */
import type { HeaderDef } from '../header.ts';
import { type NameAddr, nameAddrHeader } from '../name-addr.ts';

export const serviceRoute: HeaderDef<NameAddr> = nameAddrHeader('Service-Route', true);
