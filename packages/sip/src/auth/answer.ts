/** The client's side of one challenge: what it asks, whether it is to be answered, and the answer (RFC 7616 §3.4). */
import { decode, equalsIgnoreCase, faulty, type Octets, octets, type Parsed, parsed } from '@strowger/proto';
import {
  ALGORITHMS,
  algorithmName,
  digestResponse,
  ha1,
  type NamedAlgorithm,
  parseAlgorithm,
  type Qop,
  userHash,
} from './digest.ts';
import { type DigestAlgorithm, HASHES, type HashFunctions } from './hash/hash.ts';
import { parseAuthParams, quotedParam } from './params.ts';

/** One `WWW-Authenticate` or `Proxy-Authenticate` value of the digest scheme. */
export interface DigestChallenge extends NamedAlgorithm {
  readonly realm: Octets;
  readonly nonce: Octets;
  readonly opaque?: Octets;
  readonly stale: boolean;
  /** Absent: the form of RFC 2069. Empty: only kinds we do not know. */
  readonly qops?: readonly Qop[];
  readonly userhash: boolean;
}

/** Reads a challenge: a fault for another scheme or an algorithm we do not know, which is no mistake of the peer's. */
export function parseChallenge(value: Octets): Parsed<DigestChallenge> {
  const read = parseAuthParams(value);
  if (!read.ok) return read;
  const { scheme, params } = read.value;
  if (scheme !== 'digest') return faulty('the digest scheme', 0);
  const named = parseAlgorithm(params.get('algorithm'));
  if (!named) return faulty('a known algorithm', 0);
  const realm = params.get('realm');
  const nonce = params.get('nonce');
  if (realm === undefined || nonce === undefined) return faulty('realm and nonce', 0);
  const opaque = params.get('opaque');
  const qop = params.get('qop');
  const isTrue = (name: string) => equalsIgnoreCase(params.get(name) ?? NONE, 'true' as Octets);
  return parsed({
    ...named,
    realm,
    nonce,
    stale: isTrue('stale'),
    userhash: isTrue('userhash'),
    ...(opaque === undefined ? {} : { opaque }),
    ...(qop === undefined || qop === '' ? {} : { qops: readQops(qop) }),
  });
}

/**
 * The challenge to answer: of the strongest algorithm, the topmost of equals. RFC 8760 §2.4 prefers the topmost and
 * leaves room for this policy: a weaker one on top may be a man in the middle's.
 */
export function chooseChallenge(
  challenges: readonly DigestChallenge[],
  algorithms: readonly DigestAlgorithm[] = ALGORITHMS,
): DigestChallenge | undefined {
  const usable = challenges.filter(({ algorithm, qops }) => algorithms.includes(algorithm) && qops?.length !== 0);
  return ALGORITHMS.map((name) => usable.find(({ algorithm }) => algorithm === name)).find((found) => found);
}

/** The request that is to carry the answer. */
export interface ChallengedRequest {
  readonly method: Octets;
  /** The Request-URI, as it will be sent. */
  readonly uri: Octets;
  readonly body?: Octets;
}

/** A challenge that was taken up, with what must stay the same while its nonce is used. Plain data. */
export interface DigestSession {
  readonly challenge: DigestChallenge;
  readonly cnonce: Octets;
  /** The last count sent. */
  readonly count: number;
}

export interface Login {
  readonly user: Octets;
  readonly password: Octets;
}

/** The next value for `Authorization` or `Proxy-Authorization`, and the session after it. */
export function nextCredentials(
  session: DigestSession,
  { user, password }: Login,
  request: ChallengedRequest,
  hashes: HashFunctions = HASHES,
): { readonly session: DigestSession; readonly value: Octets } {
  const { challenge, cnonce } = session;
  const { algorithm, session: bound, realm, nonce, opaque, qops, userhash } = challenge;
  const count = session.count + 1;
  // auth-int hashes the body, which a proxy might touch: only where nothing else is offered.
  const qop = qops && (qops.includes('auth') ? 'auth' : 'auth-int');
  const nc = count.toString(16).padStart(8, '0') as Octets;
  const secret = ha1(algorithm, user, realm, password, hashes);
  const key = { algorithm, session: bound, ha1: secret, nonce, nc, cnonce };
  const response = digestResponse({ ...key, ...request, ...(qop ? { qop } : {}) }, hashes);
  const parts = [
    quotedParam('username', userhash ? userHash(algorithm, user, realm, hashes) : user),
    quotedParam('realm', realm),
    quotedParam('nonce', nonce),
    quotedParam('uri', request.uri),
    quotedParam('response', response),
    octets`algorithm=${algorithmName(challenge)}`,
  ];
  if (userhash) parts.push('userhash=true' as Octets);
  if (opaque !== undefined) parts.push(quotedParam('opaque', opaque));
  // With -sess the cnonce counts even where no qop does.
  if (qop || bound) parts.push(quotedParam('cnonce', cnonce));
  if (qop) parts.push(octets`qop=${qop as string as Octets}`, octets`nc=${nc}`);
  return { session: { ...session, count }, value: octets`Digest ${parts.join(', ') as Octets}` };
}

export interface AnswerOptions extends ChallengedRequest, Login {
  /** The values of the field, in their order. */
  readonly challenges: readonly Octets[];
  /** 407: answered by `Proxy-Authorization`. */
  readonly proxy?: boolean;
  /** The only realm that is answered. Leave it out only where whoever asks may have the answer. */
  readonly realm?: Octets;
  readonly algorithms?: readonly DigestAlgorithm[];
  /** Fresh and unguessable. */
  readonly cnonce: Octets;
  /** The count to send; 1 if absent. */
  readonly nc?: number;
  readonly hashes?: HashFunctions;
}

export type Answer =
  | {
      readonly kind: 'answer';
      readonly name: 'Authorization' | 'Proxy-Authorization';
      readonly value: Octets;
      readonly session: DigestSession;
    }
  | { readonly kind: 'refused'; readonly why: string; readonly code: 'realm' | 'nothing-usable' };

/** Answers one 401 or 407 without remembering anything; `digestClient` does it with memory. */
export function answerChallenge(o: AnswerOptions): Answer {
  const read = o.challenges.map(parseChallenge).flatMap((c) => (c.ok ? [c.value] : []));
  const ours = read.filter(({ realm }) => o.realm === undefined || realm === o.realm);
  const challenge = chooseChallenge(ours, o.algorithms);
  if (!challenge) {
    const [other] = read;
    return ours.length === 0 && other
      ? { kind: 'refused', code: 'realm', why: `no credentials for the realm "${decode(other.realm)}"` }
      : { kind: 'refused', code: 'nothing-usable', why: 'no challenge with a scheme, algorithm and qop we can do' };
  }
  const start = { challenge, cnonce: o.cnonce, count: (o.nc ?? 1) - 1 };
  const { session, value } = nextCredentials(start, o, requestOf(o), o.hashes);
  return { kind: 'answer', name: o.proxy ? 'Proxy-Authorization' : 'Authorization', value, session };
}

const NONE = '' as Octets;

const requestOf = ({ method, uri, body }: AnswerOptions): ChallengedRequest =>
  body === undefined ? { method, uri } : { method, uri, body };

function readQops(text: Octets): readonly Qop[] {
  const names = text.split(/[ \t,]+/) as Octets[];
  return (['auth', 'auth-int'] as const).filter((qop) =>
    names.some((name) => equalsIgnoreCase(name, qop as string as Octets)),
  );
}
