/** `Proxy-Require`, RFC 3261 §20.29. */
import type { Octets } from '@strowger/proto';
import type { HeaderDef } from '../header.ts';
import { tokenHeader } from '../shapes.ts';

export const proxyRequire: HeaderDef<Octets> = tokenHeader('Proxy-Require', true);
