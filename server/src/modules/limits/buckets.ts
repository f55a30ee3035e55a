/** Token buckets by address, of bounded number: what a stranger can use up is a share, and forgetting is cheap. */
import type { Mono } from '@strowger/proto';

export interface BucketOptions {
  readonly perSecond: number;
  readonly burst: number;
  /** Addresses remembered at most. A forgotten one begins with a full bucket. */
  readonly cap: number;
}

interface Bucket {
  tokens: number;
  at: Mono;
}

export class Buckets {
  readonly #o: BucketOptions;
  /** In order of last use: the first is the one to forget. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: BucketOptions) {
    this.#o = options;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one, or says that there is none. */
  take(address: string, now: Mono): boolean {
    const key = networkOf(address);
    const bucket = this.#filled(key, now);
    const had = bucket.tokens >= 1;
    if (had) bucket.tokens -= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#o.cap) this.#forgetOldest();
    return had;
  }

  isEmpty(address: string, now: Mono): boolean {
    const key = networkOf(address);
    return this.#buckets.has(key) && this.#filled(key, now).tokens < 1;
  }

  #filled(key: string, now: Mono): Bucket {
    const { perSecond, burst } = this.#o;
    const bucket = this.#buckets.get(key);
    if (!bucket) return { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    return bucket;
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}

/** An IPv6 host has a /64 to itself, and would otherwise have 2⁶⁴ buckets. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  // ::ffff:192.0.2.1 is an IPv4 host, as a socket of both families names it.
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  const [head = '', tail] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return [...front, ...middle, ...back].slice(0, 4).join(':');
}
