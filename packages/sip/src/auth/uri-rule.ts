/** Whether the `uri` of credentials means the Request-URI (RFC 7616 §3.4.6). */
import { lowerAscii, type Octets, slice } from '@strowger/proto';

/**
 * `exact`: the same text. `lenient`: the same scheme, user, host and port, whatever the parameters: proxies add and
 * strip those (RFC 3261 §22.4). `any`: not compared, for what has rewritten the Request-URI before us or, as SIPp does,
 * puts the address it sends to. The nonce count forbids using the digest a second time in all three.
 */
export type UriRule = 'exact' | 'lenient' | 'any';

export function sameUri(a: Octets, b: Octets, rule: UriRule): boolean {
  if (a === b || rule === 'any') return true;
  return rule === 'lenient' && essence(a) === essence(b);
}

/** `scheme:user@host:port`, without password, parameters and headers; scheme and host in lower case. */
function essence(uri: Octets): string {
  const colon = uri.indexOf(':');
  const scheme = lowerAscii(slice(uri, 0, colon + 1));
  // A user part may hold ; and ?, a host part not (RFC 3261 §25.1).
  const at = uri.indexOf('@', colon);
  const host = lowerAscii(slice(uri, at < 0 ? colon + 1 : at + 1));
  const end = host.search(/[;?]/);
  const user = at < 0 ? '' : uri.slice(colon + 1, at);
  const password = user.indexOf(':');
  const address = (end < 0 ? host : host.slice(0, end)).replace(scheme === 'sips:' ? /:5061$/ : /:5060$/, '');
  return `${scheme}${password < 0 ? user : user.slice(0, password)}@${address}`;
}
