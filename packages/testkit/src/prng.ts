import type { Random } from '@strowger/proto';

/**
 * xoshiro128** seeded by splitmix32: small, fast and of good quality, so that a run can be replayed from one number.
 * Never for anything that must not be guessed.
 */
export class Prng implements Random {
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    this.seed = seed;
    const mix = splitmix(seed);
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    // All four may not be zero.
    this.#d = mix() || 1;
  }

  /** 0 … 2^32 − 1. */
  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotate(this.#d, 11);
    return result;
  }

  /** 0 ≤ x < 1. */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number, 0 ≤ n < limit. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** From `low` up to, not including, `high`. */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }

  shuffled<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i -= 1) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }

  fill<T extends Uint8Array>(into: T): T {
    for (let i = 0; i < into.length; i += 1) into[i] = this.uint32() >>> 24;
    return into;
  }

  /** A stream of its own for each name: what one part of a run draws does not change what another one gets. */
  fork(name: string): Prng {
    let hash = 0x811c9dc5 ^ this.seed;
    for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return new Prng(hash >>> 0);
  }
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

function splitmix(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
}
