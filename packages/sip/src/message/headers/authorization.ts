/** `Authorization`, RFC 3261 §20.7. */
import { type Credentials, credentialsHeader } from '../credentials.ts';
import type { HeaderDef } from '../header.ts';

export const authorization: HeaderDef<Credentials> = credentialsHeader('Authorization');
