/** SIP, SIPS (RFC 3261 §19.1) and tel (RFC 3966) URIs; any other scheme is carried as it is. */
import { type Octets, octets, type Parsed } from '@strowger/proto';
import { formatParams, type Params } from './params.ts';
import { Scanner } from './scanner.ts';
import { scanUri } from './uri-scan.ts';

export type Uri = SipUri | TelUri | OtherUri;

/** User, password and parameter values are raw, escapes and all; `userText` gives them to people. */
export interface SipUri {
  readonly kind: 'sip';
  readonly secure: boolean;
  readonly user?: Octets;
  readonly password?: Octets;
  /** In lower case, IPv6 in brackets. */
  readonly host: Octets;
  readonly port?: number;
  readonly params: Params;
  /** What follows the question mark. */
  readonly headers?: Octets;
}

export interface TelUri {
  readonly kind: 'tel';
  /** As written, visual separators included. */
  readonly number: Octets;
  readonly params: Params;
}

export interface OtherUri {
  readonly kind: 'other';
  /** In lower case. */
  readonly scheme: Octets;
  readonly text: Octets;
}

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
