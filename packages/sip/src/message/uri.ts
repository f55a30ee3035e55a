/** SIP, SIPS (RFC 3261 §19.1) and tel (RFC 3966) URIs; any other scheme is carried as it is. */
import { type Octets, octets, type Parsed } from '@strowger/proto';
import { formatParams } from './params.ts';
import { Scanner } from './scanner.ts';
import type { SipUri, Uri } from './uri-kinds.ts';
import { scanUri } from './uri-scan.ts';

export type * from './uri-kinds.ts';

/** Reads a text that is one URI and nothing else. */
export function parseUri(text: Octets): Parsed<Uri> {
  const s = new Scanner(text);
  const value = scanUri(s, false);
  if (!s.fault && !s.atEnd) s.fail('the end of the URI');
  return s.fault ? { ok: false, fault: s.fault } : { ok: true, value };
}

export function formatUri(uri: Uri): Octets {
  switch (uri.kind) {
    case 'sip':
      return formatSipUri(uri);
    case 'tel':
      return octets`tel:${uri.number}${formatParams(uri.params)}`;
    case 'other':
      return octets`${uri.scheme}:${uri.text}`;
  }
}

function formatSipUri({ secure, user, password, host, port, params, headers }: SipUri): Octets {
  let out = secure ? 'sips:' : 'sip:';
  if (user !== undefined) out += password === undefined ? `${user}@` : `${user}:${password}@`;
  out += host;
  if (port !== undefined) out += `:${port}`;
  if (params.length > 0) out += formatParams(params);
  if (headers !== undefined) out += `?${headers}`;
  return out as Octets;
}
