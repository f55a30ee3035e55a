/**
 * A client's memory of challenges, RFC 3261 §22.2 and §22.3: nonces are used again with the next count, so that most
 * requests need no second trip; a proxy's and a server's credentials go side by side; a stale nonce is taken up once.
 * Pure: `authorize` before a request, `onChallenge` for its 401 or 407. Only realms with a login are answered: a phone
 * that answers whoever asks gives its digest to whoever it calls.
 */
import { type Octets, own } from '@strowger/proto';
import {
  type ChallengedRequest,
  chooseChallenge,
  type DigestChallenge,
  type DigestSession,
  type Login,
  nextCredentials,
  parseChallenge,
} from './answer.ts';
import type { DigestAlgorithm, HashFunctions } from './hash/hash.ts';

/** What one has to log in with, and where. */
export interface RealmLogin extends Login {
  readonly realm: Octets;
}

export interface DigestClientOptions {
  readonly logins: readonly RealmLogin[];
  readonly algorithms?: readonly DigestAlgorithm[];
  readonly hashes?: HashFunctions;
}

/** One nonce in use. */
interface Remembered extends DigestSession {
  readonly proxy: boolean;
}

/** What is remembered between requests. Plain data; start with `[]`. */
export type DigestMemory = readonly Remembered[];

/** What was tried for one request; goes with it from attempt to attempt. Plain data. */
export type DigestTries = readonly Try[];

interface Try {
  readonly proxy: boolean;
  readonly realm: Octets;
  readonly nonce: Octets;
  /** From an earlier request: its refusal may mean no more than that the nonce grew old, said or unsaid. */
  readonly reused: boolean;
  readonly stale: boolean;
}

/** A field to put into the request, in place of any of that name it has. */
export type AuthField = readonly [name: Octets, value: Octets];

export interface Authorized {
  readonly memory: DigestMemory;
  readonly tries: DigestTries;
  readonly fields: readonly AuthField[];
}

export type ChallengeOutcome =
  | ({ readonly kind: 'retry' } & Authorized)
  /** `rejected`: the login is wrong. The memory has lost what did not work. */
  | { readonly kind: 'refused'; readonly code: ChallengeRefusal; readonly memory: DigestMemory };

export type ChallengeRefusal = 'no-challenge' | 'nothing-usable' | 'no-login-for-realm' | 'rejected' | 'stale-again';

/** Realms come from the peer's mouth, but only those with a login enter; this bounds what they may be. */
const MAX_REMEMBERED = 32;

/** The fields for a new request from what is remembered; none at first, and the challenge comes by itself. */
export function authorize(memory: DigestMemory, request: ChallengedRequest, options: DigestClientOptions): Authorized {
  const tries = memory.map(({ proxy, challenge }) => ({
    proxy,
    realm: challenge.realm,
    nonce: challenge.nonce,
    reused: true,
    stale: false,
  }));
  return present(memory, tries, request, options);
}

/** Takes a 401 or 407: the same request again with these fields, under a new CSeq, or the end of it. */
export function onChallenge(
  { memory, tries }: Pick<Authorized, 'memory' | 'tries'>,
  challenged: { readonly proxy: boolean; readonly challenges: readonly Octets[]; readonly cnonce: Octets },
  request: ChallengedRequest,
  options: DigestClientOptions,
): ChallengeOutcome {
  const { proxy, cnonce } = challenged;
  const read = challenged.challenges.map(parseChallenge).flatMap((c) => (c.ok ? [c.value] : []));
  const refuse = (code: ChallengeRefusal, left = memory): ChallengeOutcome => ({ kind: 'refused', code, memory: left });
  if (read.length === 0) return refuse(challenged.challenges.length === 0 ? 'no-challenge' : 'nothing-usable');
  const ours = options.logins.map(({ realm }) => read.filter((c) => c.realm === realm)).filter((c) => c.length > 0);
  if (ours.length === 0) return refuse('no-login-for-realm');
  let [nextMemory, nextTries] = [memory, tries];
  for (const group of ours) {
    const challenge = chooseChallenge(group, options.algorithms);
    if (!challenge) return refuse('nothing-usable');
    const isSame = (entry: { proxy: boolean; realm: Octets }) =>
      entry.proxy === proxy && entry.realm === challenge.realm;
    const before = nextTries.find(isSame);
    nextMemory = nextMemory.filter((r) => !isSame({ proxy: r.proxy, realm: r.challenge.realm }));
    const verdict = again(before, challenge);
    if (verdict !== 'once-more') return refuse(verdict, nextMemory);
    const taken = ownChallenge(challenge);
    nextMemory = [...nextMemory, { proxy, challenge: taken, cnonce, count: 0 }].slice(-MAX_REMEMBERED);
    const attempt = { proxy, realm: taken.realm, nonce: taken.nonce, reused: false, stale: challenge.stale };
    nextTries = [...nextTries.filter((entry) => !isSame(entry)), attempt];
  }
  return { kind: 'retry', ...present(nextMemory, nextTries, request, options) };
}

/** Whether a realm that was answered before in this request is to be answered once more. */
function again(before: Try | undefined, challenge: DigestChallenge): 'once-more' | ChallengeRefusal {
  if (!before) return 'once-more';
  if (challenge.stale) return before.stale ? 'stale-again' : 'once-more';
  // Some forget a nonce without a word of `stale`. With a new nonce that is worth one try; with the same it is a no.
  return before.reused && before.nonce !== challenge.nonce ? 'once-more' : 'rejected';
}

/** Credentials for each nonce that this request uses. */
function present(
  memory: DigestMemory,
  tries: DigestTries,
  request: ChallengedRequest,
  { logins, hashes }: DigestClientOptions,
): Authorized {
  const fields: AuthField[] = [];
  const next = memory.map((remembered) => {
    const { proxy, challenge } = remembered;
    const login = logins.find(({ realm }) => realm === challenge.realm);
    const used = tries.some((entry) => entry.proxy === proxy && entry.realm === challenge.realm);
    if (!login || !used) return remembered;
    const { session, value } = nextCredentials(remembered, login, request, hashes);
    fields.push([(proxy ? 'Proxy-Authorization' : 'Authorization') as Octets, value]);
    return { ...session, proxy };
  });
  return { memory: next, tries, fields };
}

/** Remembered long after its message is gone. */
function ownChallenge(challenge: DigestChallenge): DigestChallenge {
  const { realm, nonce, opaque } = challenge;
  const kept = { ...challenge, realm: own(realm), nonce: own(nonce) };
  return opaque === undefined ? kept : { ...kept, opaque: own(opaque) };
}
