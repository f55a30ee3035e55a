/** `Authentication-Info`, RFC 3261 §20.6, RFC 7616 §3.5. */
import { formatAuthParams, parseAuthParams } from '../credentials.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import type { Params } from '../params.ts';

export const authenticationInfo: HeaderDef<Params> = defineHeader({
  name: 'Authentication-Info',
  list: false,
  parse: parseAuthParams,
  format: formatAuthParams,
});
