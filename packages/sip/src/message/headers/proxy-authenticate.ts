/** `Proxy-Authenticate`, RFC 3261 §20.27. */
import { type Credentials, credentialsHeader } from '../credentials.ts';
import type { HeaderDef } from '../header.ts';

export const proxyAuthenticate: HeaderDef<Credentials> = credentialsHeader('Proxy-Authenticate');
