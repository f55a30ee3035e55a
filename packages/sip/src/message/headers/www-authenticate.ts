/** `WWW-Authenticate`, RFC 3261 §20.44. */
import { type Credentials, credentialsHeader } from '../credentials.ts';
import type { HeaderDef } from '../header.ts';

export const wwwAuthenticate: HeaderDef<Credentials> = credentialsHeader('WWW-Authenticate');
