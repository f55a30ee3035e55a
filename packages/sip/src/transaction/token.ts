/**
 * Our branches, tags and Contact users: `node · slot · generation · loop hash · 64 random bits` in hexadecimal. What
 * comes back in a message names its place in a table of whichever node made it, so it is found without a search; the
 * random bits keep others from naming it.
 *
 *   z9hG4bK 0001 00002a 000003 5f1d2c3b 0123456789abcdef
 *   cookie  node slot   gen.   loop     random
 */
import type { Octets, Random } from '@strowger/proto';
import { generationOf, slotOf } from './slots.ts';

/** RFC 3261 §8.1.1.7: marks a branch that is unique across space and time. */
export const MAGIC_COOKIE = 'z9hG4bK';

export interface Token {
  readonly node: number;
  readonly slot: number;
  readonly generation: number;
  /** RFC 5393 §4.2: of the fields that decide routing; a proxy that meets its own branch compares it. Zero when unused. */
  readonly loop: number;
  readonly randomHigh: number;
  readonly randomLow: number;
}

const WIDTHS = { node: 4, slot: 6, generation: 6, loop: 8, random: 8 } as const;
const LENGTH = 40;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const POOL = 2_048;

/** Makes tokens. Random octets are drawn many at a time, for a call to the system costs more than the rest. */
export class TokenSource {
  readonly #random: Random;
  readonly #node: number;
  readonly #pool = new Uint8Array(POOL);
  readonly #words: DataView = new DataView(this.#pool.buffer);
  #used = POOL;

  constructor(random: Random, node = 0) {
    this.#random = random;
    this.#node = node & 0xffff;
  }

  /** A token for the place that `key` names. */
  make(key: number, loop = 0): Token {
    if (this.#used === POOL) {
      this.#random.fill(this.#pool);
      this.#used = 0;
    }
    const randomHigh = this.#words.getUint32(this.#used);
    const randomLow = this.#words.getUint32(this.#used + 4);
    this.#used += 8;
    return {
      node: this.#node,
      slot: slotOf(key),
      generation: generationOf(key),
      loop: loop >>> 0,
      randomHigh,
      randomLow,
    };
  }
}

/** The token as it stands in a message, after a branch's cookie or by itself. */
export function formatToken({ node, slot, generation, loop, randomHigh, randomLow }: Token): Octets {
  return (hex16(node) + hex24(slot) + hex24(generation) + hex32(loop) + hex32(randomHigh) + hex32(randomLow)) as Octets;
}

/** A Via branch: the cookie and the token. */
export const formatBranch = (token: Token): Octets => (MAGIC_COOKIE + formatToken(token)) as Octets;

/** Reads a token that makes up the whole text; `undefined` for whatever is none of ours. */
export function parseToken(text: Octets): Token | undefined {
  return text.length === LENGTH ? read(text, 0) : undefined;
}

/** Reads a branch; `undefined` for whatever is none of ours. */
export function parseBranch(branch: Octets): Token | undefined {
  if (branch.length !== MAGIC_COOKIE.length + LENGTH || !hasMagicCookie(branch)) return undefined;
  return read(branch, MAGIC_COOKIE.length);
}

/** Tokens of the grammar are compared without regard to case (RFC 3261 §7.3.1). */
export function hasMagicCookie(branch: Octets): boolean {
  return branch.startsWith(MAGIC_COOKIE) || /^z9hg4bk/i.test(branch);
}

/** Whether a token is that very one: the place alone may be guessed. */
export function sameRandom(a: Token, b: Token): boolean {
  return a.randomLow === b.randomLow && a.randomHigh === b.randomHigh;
}

function read(text: Octets, start: number): Token | undefined {
  let at = start;
  let bad = false;
  const next = (width: number): number => {
    let value = 0;
    for (const end = at + width; at < end; at += 1) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) bad = true;
      value = value * 16 + digit;
    }
    return value;
  };
  const node = next(WIDTHS.node);
  const slot = next(WIDTHS.slot);
  const generation = next(WIDTHS.generation);
  const loop = next(WIDTHS.loop);
  const token = { node, slot, generation, loop, randomHigh: next(WIDTHS.random), randomLow: next(WIDTHS.random) };
  return bad ? undefined : token;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const byte = (n: number, shift: number): string => HEX[(n >>> shift) & 0xff] ?? '';
const hex16 = (n: number): string => byte(n, 8) + byte(n, 0);
const hex24 = (n: number): string => byte(n, 16) + hex16(n);
const hex32 = (n: number): string => hex16(n >>> 16) + hex16(n);
