/**
 * The server's side of digest access authentication: RFC 3261 §22, RFC 7616, RFC 8760.
 *
 * In two steps, because finding an account may take time: `readCredentials` says who claims to be there, `verify`
 * whether it is so. An unknown user costs what a wrong password costs, and reads the same outside.
 */
import { type Octets, octets, type Wall } from '@strowger/proto';
import type { DigestCredentials, Malformed, NoCredentials, UnknownAlgorithm } from './credentials.ts';
import { digestResponse, equalsConstantTime, ha1, type Qop } from './digest.ts';
import { type DigestAlgorithm, HASHES, type HashFunctions } from './hash/hash.ts';
import type { NonceStore } from './nonce-store.ts';
import { quotedParam } from './params.ts';
import { sameUri, type UriRule } from './uri-rule.ts';

export interface ChallengeOptions {
  readonly realm: Octets;
  readonly nonce: Octets;
  /** In order of preference (RFC 8760 §2.3): one field value each, the same nonce in all. */
  readonly algorithms: readonly DigestAlgorithm[];
  /** Empty: the form of RFC 2069. */
  readonly qop?: readonly Qop[];
  /** True only where it was the nonce that was not good (RFC 7616 §3.3). */
  readonly stale?: boolean;
  readonly opaque?: Octets;
  /** Says that user names may come hashed. */
  readonly userhash?: boolean;
}

/** The values of `WWW-Authenticate` or `Proxy-Authenticate`, in the order they are to stand in. */
export function makeChallenge(o: ChallengeOptions): readonly Octets[] {
  const { realm, nonce, algorithms, qop = ['auth'], stale = false, opaque, userhash = false } = o;
  return algorithms.map((algorithm) => {
    const parts = [quotedParam('realm', realm), quotedParam('nonce', nonce)];
    if (opaque !== undefined) parts.push(quotedParam('opaque', opaque));
    if (stale) parts.push('stale=true' as Octets);
    parts.push(`algorithm=${algorithm}` as Octets);
    if (qop.length > 0) parts.push(quotedParam('qop', qop.join(',') as Octets));
    if (userhash) parts.push('userhash=true' as Octets);
    return octets`Digest ${parts.join(', ') as Octets}`;
  });
}

/** A user's secret, as digests need it. */
export interface DigestAccount {
  /** `undefined` where this account is not to be reached by that algorithm. */
  ha1(algorithm: DigestAlgorithm): Octets | undefined;
}

/** An account of which the password is known; HA1 is made when asked for. */
export function passwordAccount(o: {
  readonly user: Octets;
  readonly realm: Octets;
  readonly password: Octets;
  readonly hashes?: HashFunctions;
}): DigestAccount {
  return { ha1: (algorithm) => ha1(algorithm, o.user, o.realm, o.password, o.hashes) };
}

export interface VerifyOptions {
  readonly credentials: DigestCredentials;
  readonly method: Octets;
  /** The Request-URI as received. */
  readonly uriText: Octets;
  /** Hashed for auth-int only. */
  readonly body?: Octets;
  readonly realm: Octets;
  /** Absent: there is no such user. */
  readonly account?: DigestAccount;
  /** Stands in for an absent account; of the same cost as real ones. By default one made of a password. */
  readonly decoy?: DigestAccount;
  readonly nonces: NonceStore;
  /** Whom the nonce must have been given to: what it was issued with. */
  readonly binding: Octets;
  readonly now: Wall;
  readonly policy?: DigestPolicy;
  readonly hashes?: HashFunctions;
}

export interface DigestPolicy {
  /** What was offered; all three by default. */
  readonly algorithms?: readonly DigestAlgorithm[];
  readonly qop?: readonly Qop[];
  /** Takes credentials without qop (RFC 2069), each nonce once. */
  readonly withoutQop?: boolean;
  readonly uri?: UriRule;
}

export type DigestVerdict =
  | { readonly kind: 'accepted'; readonly credentials: DigestCredentials }
  /** With a sound nonce, so it is whom it says it is from. The reason is for logs: outside all three look the same. */
  | { readonly kind: 'wrong'; readonly reason: 'digest' | 'unknown-user' | 'algorithm-not-allowed' }
  /** Challenge again with `stale=true`: the digest was right or, of a nonce given to another address, not looked at. */
  | { readonly kind: 'stale'; readonly reason: 'expired' | 'other-boot' | 'elsewhere' | 'forgotten' }
  /** A nonce that we never gave: challenge again, count nothing. The digest was not looked at. */
  | { readonly kind: 'foreign-nonce' }
  /** The digest was right and its count was used before. To be challenged as stale; worth a counter. */
  | { readonly kind: 'replayed'; readonly count: number }
  | NoCredentials
  | Malformed
  | UnknownAlgorithm;

/**
 * Judges credentials. Nothing is remembered of them unless their digest is right.
 *
 * The nonce comes first. One that was not given to this address proves nothing of who sent it: whose name stands on such a
 * datagram has not guessed and must not pay for it; and a digest that is not counted as a guess must not be told right
 * from wrong, or guessing would be free. One that was, however old, shows that its sender receives there: its digest is
 * looked at, a wrong one counts, and `stale` is said of a right one alone.
 */
export function verify(o: VerifyOptions): DigestVerdict {
  const { credentials, policy = {}, hashes = HASHES } = o;
  const wrong = offence(o, policy);
  if (wrong) return wrong;
  const { algorithm, username, nonce } = credentials;
  const state = o.nonces.judge(nonce, o.realm, o.binding, o.now);
  if (state.kind === 'foreign') return { kind: 'foreign-nonce' };
  if (state.kind === 'elsewhere') return { kind: 'stale', reason: 'elsewhere' };
  const decoy = o.decoy ?? passwordAccount({ user: username, realm: o.realm, password: DECOY, hashes });
  const known = (o.account ?? decoy).ha1(algorithm);
  const secret = known ?? (decoy.ha1(algorithm) as Octets);
  const expected = digestResponse({ ...credentials, ha1: secret, method: o.method, ...bodyOf(o) }, hashes);
  const right = equalsConstantTime(expected, credentials.response);
  // After the comparison, so that a decoy's work is the same to the end.
  if (!o.account) return { kind: 'wrong', reason: 'unknown-user' };
  if (known === undefined) return { kind: 'wrong', reason: 'algorithm-not-allowed' };
  if (!right) return { kind: 'wrong', reason: 'digest' };
  if (state.kind !== 'sound') return { kind: 'stale', reason: state.kind };
  const count = credentials.count ?? 1;
  switch (o.nonces.use(nonce, state.issued, count, o.now)) {
    case 'fresh':
      return { kind: 'accepted', credentials };
    case 'replayed':
      return { kind: 'replayed', count };
    case 'forgotten':
      return { kind: 'stale', reason: 'forgotten' };
  }
}

const DECOY = 'no such user has this password' as Octets;

const bodyOf = ({ body }: VerifyOptions) => (body === undefined ? {} : { body });

/** What is wrong before any secret is looked at. */
function offence({ credentials, realm, uriText }: VerifyOptions, policy: DigestPolicy): DigestVerdict | undefined {
  const { algorithm, session, qop, uri } = credentials;
  if (credentials.realm !== realm) return { kind: 'no-credentials' };
  // We offer no -sess, so nobody may choose one.
  if (session) return { kind: 'unknown-algorithm', algorithm: `${algorithm}-sess` as Octets };
  if (policy.algorithms && !policy.algorithms.includes(algorithm)) {
    return { kind: 'unknown-algorithm', algorithm: algorithm as string as Octets };
  }
  if (qop === undefined && !policy.withoutQop) return { kind: 'malformed', code: 'qop-missing' };
  if (qop !== undefined && !(policy.qop ?? ['auth', 'auth-int']).includes(qop)) {
    return { kind: 'malformed', code: 'qop-not-offered' };
  }
  if (!sameUri(uri, uriText, policy.uri ?? 'lenient')) return { kind: 'malformed', code: 'uri-differs' };
  return undefined;
}
