/** `Proxy-Authorization`, RFC 3261 §20.28. */
import { type Credentials, credentialsHeader } from '../credentials.ts';
import type { HeaderDef } from '../header.ts';

export const proxyAuthorization: HeaderDef<Credentials> = credentialsHeader('Proxy-Authorization');
