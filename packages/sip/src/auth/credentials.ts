/** What `Authorization` and `Proxy-Authorization` claim (RFC 7616 §3.4), before anybody has proved it. */
import { equalsIgnoreCase, type Fault, lowerAscii, type Octets } from '@strowger/proto';
import { type NamedAlgorithm, parseAlgorithm, type Qop } from './digest.ts';
import { type AuthParams, parseAuthParams, parseExtended } from './params.ts';

/** What `Authorization` or `Proxy-Authorization` claims. Slices of the message: own what is kept. */
export interface DigestCredentials extends NamedAlgorithm {
  /** Plain, or its hash where `userhash` is set. */
  readonly username: Octets;
  readonly userhash: boolean;
  readonly realm: Octets;
  readonly nonce: Octets;
  readonly uri: Octets;
  /** Lower-case hex, as long as the algorithm's digests. */
  readonly response: Octets;
  readonly qop?: Qop;
  /** The text that is hashed, and its number. */
  readonly nc?: Octets;
  readonly count?: number;
  readonly cnonce?: Octets;
  readonly opaque?: Octets;
}

export type MalformedCode =
  | 'syntax'
  | 'parameter-missing'
  | 'parameter-bad'
  | 'qop-unknown'
  | 'qop-not-offered'
  | 'qop-missing'
  | 'uri-differs';

export type CredentialsVerdict =
  | { readonly kind: 'credentials'; readonly credentials: DigestCredentials }
  | NoCredentials
  | Malformed
  | UnknownAlgorithm;

export interface NoCredentials {
  readonly kind: 'no-credentials';
}
export interface Malformed {
  readonly kind: 'malformed';
  readonly code: MalformedCode;
  readonly fault?: Fault;
}
export interface UnknownAlgorithm {
  readonly kind: 'unknown-algorithm';
  readonly algorithm: Octets;
}

/** Past these nobody looks: a request through a dozen proxies has a dozen. */
const MAX_FIELDS = 16;

/** Finds the digest credentials for a realm among the field's values. Other realms' and other schemes' are not ours. */
export function readCredentials(fields: readonly Octets[], realm: Octets): CredentialsVerdict {
  let bad: CredentialsVerdict | undefined;
  for (const field of fields.slice(0, MAX_FIELDS)) {
    const read = parseAuthParams(field);
    if (!read.ok) {
      bad ??= { kind: 'malformed', code: 'syntax', fault: read.fault };
      continue;
    }
    if (read.value.scheme !== 'digest' || (read.value.params.get('realm') ?? realm) !== realm) continue;
    const verdict = readDigest(read.value.params);
    if (verdict.kind === 'credentials') return verdict;
    bad ??= verdict;
  }
  return bad ?? { kind: 'no-credentials' };
}

function readDigest(params: AuthParams['params']): CredentialsVerdict {
  const named = parseAlgorithm(params.get('algorithm'));
  if (!named) return { kind: 'unknown-algorithm', algorithm: params.get('algorithm') as Octets };
  const [realm, nonce, uri, response] = ['realm', 'nonce', 'uri', 'response'].map((name) => params.get(name));
  const user = readUser(params);
  if (realm === undefined || nonce === undefined || uri === undefined || response === undefined || !user) {
    return { kind: 'malformed', code: 'parameter-missing' };
  }
  const digits = named.algorithm === 'MD5' ? 32 : 64;
  if (response.length !== digits || !/^[0-9A-Fa-f]+$/.test(response))
    return { kind: 'malformed', code: 'parameter-bad' };
  const opaque = params.get('opaque');
  const head = { ...named, ...user, realm, nonce, uri, response: lowerAscii(response) };
  const credentials = opaque === undefined ? head : { ...head, opaque };
  const qop = params.get('qop');
  // Some send an empty qop where none was offered.
  if (qop === undefined || qop === '') return { kind: 'credentials', credentials };
  const known = QOPS.find((name) => equalsIgnoreCase(qop, name as string as Octets));
  if (!known) return { kind: 'malformed', code: 'qop-unknown' };
  const nc = params.get('nc');
  const cnonce = params.get('cnonce');
  if (nc === undefined || cnonce === undefined) return { kind: 'malformed', code: 'parameter-missing' };
  if (!/^[0-9A-Fa-f]{1,8}$/.test(nc)) return { kind: 'malformed', code: 'parameter-bad' };
  return {
    kind: 'credentials',
    credentials: { ...credentials, qop: known, nc, count: Number.parseInt(nc, 16), cnonce },
  };
}

const QOPS: readonly Qop[] = ['auth', 'auth-int'];

/** RFC 7616 §3.4: `username` or `username*`, and the latter never hashed. */
function readUser(params: AuthParams['params']): { username: Octets; userhash: boolean } | undefined {
  const plain = params.get('username');
  const extended = params.get('username*');
  const userhash = equalsIgnoreCase(params.get('userhash') ?? ('' as Octets), 'true' as Octets);
  if (plain !== undefined) return extended === undefined ? { username: plain, userhash } : undefined;
  const username = extended === undefined || userhash ? undefined : parseExtended(extended);
  return username === undefined ? undefined : { username, userhash: false };
}
