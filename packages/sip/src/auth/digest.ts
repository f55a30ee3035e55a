/** The computation both sides share: RFC 7616 §3.4, with RFC 8760's algorithms for SIP. */
import { equalsIgnoreCase, type Octets, octets } from '@strowger/proto';
import { type DigestAlgorithm, HASHES, type HashFunctions } from './hash/hash.ts';

export type Qop = 'auth' | 'auth-int';

/** The strongest first. */
export const ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256', 'MD5'];

/** An algorithm as a field names it: `-sess` binds HA1 to the first nonce and cnonce (RFC 7616 §3.4.2). */
export interface NamedAlgorithm {
  readonly algorithm: DigestAlgorithm;
  readonly session: boolean;
}

/** `undefined` for one we do not know. Left out means MD5 (RFC 7616 §3.3). */
export function parseAlgorithm(name: Octets | undefined): NamedAlgorithm | undefined {
  if (name === undefined) return { algorithm: 'MD5', session: false };
  for (const algorithm of ALGORITHMS) {
    if (equalsIgnoreCase(name, algorithm as string as Octets)) return { algorithm, session: false };
    if (equalsIgnoreCase(name, `${algorithm}-sess` as Octets)) return { algorithm, session: true };
  }
  return undefined;
}

export const algorithmName = ({ algorithm, session }: NamedAlgorithm): Octets =>
  (session ? `${algorithm}-sess` : algorithm) as Octets;

/** H(user:realm:password), as hex: what a server needs of a secret, and so as secret as it. */
export function ha1(
  algorithm: DigestAlgorithm,
  user: Octets,
  realm: Octets,
  password: Octets,
  hashes: HashFunctions = HASHES,
): Octets {
  return hashes.hash(algorithm, octets`${user}:${realm}:${password}`);
}

/** The user name as `userhash=true` sends it (RFC 7616 §3.4.4). */
export function userHash(
  algorithm: DigestAlgorithm,
  user: Octets,
  realm: Octets,
  hashes: HashFunctions = HASHES,
): Octets {
  return hashes.hash(algorithm, octets`${user}:${realm}`);
}

export interface ResponseInput extends NamedAlgorithm {
  /** Of the plain algorithm; the session's HA1 is made of it here. */
  readonly ha1: Octets;
  readonly method: Octets;
  readonly uri: Octets;
  readonly nonce: Octets;
  /** Absent: the form of RFC 2069. */
  readonly qop?: Qop;
  /** As sent: eight hex digits. */
  readonly nc?: Octets;
  readonly cnonce?: Octets;
  readonly body?: Octets;
}

const NONE = '' as Octets;

/** The `response` (RFC 7616 §3.4.1): what proves that the secret is known. */
export function digestResponse(input: ResponseInput, hashes: HashFunctions = HASHES): Octets {
  const { algorithm, session, method, uri, nonce, qop, nc = NONE, cnonce = NONE, body = NONE } = input;
  const h = (text: Octets) => hashes.hash(algorithm, text);
  const a1 = session ? h(octets`${input.ha1}:${nonce}:${cnonce}`) : input.ha1;
  const a2 = h(qop === 'auth-int' ? octets`${method}:${uri}:${h(body)}` : octets`${method}:${uri}`);
  if (qop === undefined) return h(octets`${a1}:${nonce}:${a2}`);
  return h(octets`${a1}:${nonce}:${nc}:${cnonce}:${qop as string as Octets}:${a2}`);
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function equalsConstantTime(a: Octets, b: Octets): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
