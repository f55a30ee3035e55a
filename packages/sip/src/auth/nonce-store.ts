/**
 * Nonces that cost nothing until they are used rightly. A nonce's text says when and by which boot it was made and is
 * sealed with a keyed hash, so that a flood of requests without credentials leaves nothing behind. Only after a right
 * digest is its count remembered: from then on each `nc` is taken once, in any order within a window, because UDP
 * reorders (RFC 7616 §3.4, §5.5).
 *
 * Bounds: `capacity` nonces are remembered. One that is past its lifetime is forgotten, and when all places are taken
 * the one first used longest ago goes, with it every unremembered nonce made no later. A forgotten nonce is stale: the
 * client is asked again, and a replay never passes. After a restart all nonces of the boot before are stale likewise.
 *
 * It is sealed to whom it is given as well: who sends it back receives there, which a datagram's source alone does not show.
 *
 *   version (1) · wall ms, hex (12) · boot (8) · random (16)
 *   · HMAC-SHA-256 of these and the realm (16 of 64) · HMAC-SHA-256 of all that and the binding (16 of 64)
 */
import { asWall, type Octets, octets, own, type Random, randomHex, slice, type Wall } from '@strowger/proto';
import { equalsConstantTime } from './digest.ts';
import { HASHES, type HashFunctions, type Mac } from './hash/hash.ts';

export interface NonceOptions {
  /** A secret of 32 random octets or more. It may outlive the process. */
  readonly key: Octets;
  /** Eight hex digits that no other boot on this key has. */
  readonly boot: Octets;
  readonly random: Random;
  /** How long a nonce can be used, in milliseconds. */
  readonly lifetime?: number;
  readonly capacity?: number;
  readonly hashes?: HashFunctions;
}

/** What a nonce's text says: ours and usable, or why not. */
export type NonceVerdict =
  | { readonly kind: 'sound'; readonly issued: Wall }
  | { readonly kind: 'expired'; readonly issued: Wall }
  /** Ours, by its seal, but of another boot, whose counts are not known. */
  | { readonly kind: 'other-boot'; readonly issued: Wall }
  /** Ours, and given to somebody else: a phone that has moved to another network, or one who overheard it. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'foreign' };

export type NonceUse = 'fresh' | 'replayed' | 'forgotten';

const VERSION = '1';
const STATED = 37;
const SEAL = 16;
const LENGTH = STATED + 2 * SEAL;
const WINDOW = 32;
/** A wall clock may be set back a little between making a nonce and seeing it again. */
const FUTURE = 60_000;

interface Counted {
  readonly issued: Wall;
  highest: number;
  /** Bit n: `highest - n` was used. */
  used: number;
}

export class NonceStore {
  readonly #options: NonceOptions;
  readonly #mac: Mac;
  readonly #lifetime: number;
  readonly #capacity: number;
  /** By what the nonce states; in the order of first use. */
  readonly #counts = new Map<string, Counted>();
  #forgottenUpTo: Wall = asWall(0);

  constructor(options: NonceOptions) {
    if (!/^[0-9a-f]{8}$/.test(options.boot)) throw new TypeError('a boot is eight lower-case hex digits');
    if (options.key.length < 16) throw new TypeError('a nonce key has 16 octets or more');
    this.#options = options;
    this.#mac = (options.hashes ?? HASHES).mac(options.key);
    this.#lifetime = options.lifetime ?? 300_000;
    this.#capacity = options.capacity ?? 65_536;
  }

  /** How many nonces' counts are remembered. */
  get size(): number {
    return this.#counts.size;
  }

  /** A new nonce for challenges of this realm, to whom the binding names (an address). */
  issue(realm: Octets, binding: Octets, now: Wall): Octets {
    const { boot, random } = this.#options;
    const time = Math.max(0, Math.floor(now)).toString(16).padStart(12, '0');
    const stated = `${VERSION}${time}${boot}${randomHex(random, 8)}` as Octets;
    return octets`${stated}${this.#ours(stated, realm)}${this.#theirs(stated, realm, binding)}`;
  }

  /** Reads a nonce that somebody sent, who is named by the binding. */
  judge(nonce: Octets, realm: Octets, binding: Octets, now: Wall): NonceVerdict {
    if (nonce.length !== LENGTH || nonce[0] !== VERSION) return { kind: 'foreign' };
    const stated = slice(nonce, 0, STATED);
    const half = STATED + SEAL;
    if (!equalsConstantTime(slice(nonce, STATED, half), this.#ours(stated, realm))) return { kind: 'foreign' };
    if (!equalsConstantTime(slice(nonce, half), this.#theirs(stated, realm, binding))) return { kind: 'elsewhere' };
    const issued = asWall(Number.parseInt(stated.slice(1, 13), 16));
    if (stated.slice(13, 21) !== this.#options.boot) return { kind: 'other-boot', issued };
    const age = now - issued;
    return age > this.#lifetime || age < -FUTURE ? { kind: 'expired', issued } : { kind: 'sound', issued };
  }

  /** Takes a count of a sound nonce. Only after the digest was found right, or anybody could fill the store. */
  use(nonce: Octets, issued: Wall, count: number, now: Wall): NonceUse {
    const key = slice(nonce, 0, STATED);
    const known = this.#counts.get(key);
    if (known) return take(known, count) ? 'fresh' : 'replayed';
    if (issued <= this.#forgottenUpTo) return 'forgotten';
    this.#makeRoom(now);
    this.#counts.set(own(key), { issued, highest: count, used: 1 });
    return 'fresh';
  }

  #ours(stated: Octets, realm: Octets): Octets {
    return slice(this.#mac(octets`${stated}:${realm}`), 0, SEAL);
  }

  #theirs(stated: Octets, realm: Octets, binding: Octets): Octets {
    // With its length, so that no binding runs into a realm.
    return slice(this.#mac(octets`${stated}:${binding.length}:${binding}:${realm}`), 0, SEAL);
  }

  #makeRoom(now: Wall): void {
    for (const [key, { issued }] of this.#counts) {
      const expired = now - issued > this.#lifetime;
      if (!expired && this.#counts.size < this.#capacity) return;
      this.#counts.delete(key);
      // Also for an expired one: should the clock be set back, it must not come to life with its counts gone.
      if (issued > this.#forgottenUpTo) this.#forgottenUpTo = issued;
    }
  }
}

function take(counted: Counted, count: number): boolean {
  const ahead = count - counted.highest;
  if (ahead > 0) {
    counted.used = ahead >= WINDOW ? 1 : (counted.used << ahead) | 1;
    counted.highest = count;
    return true;
  }
  if (ahead <= -WINDOW) return false;
  const bit = 1 << -ahead;
  if (counted.used & bit) return false;
  counted.used |= bit;
  return true;
}
