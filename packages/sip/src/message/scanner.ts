import { EMPTY, type Fault, lowerAscii, type Octets, slice } from '@strowger/proto';
import { BACKSLASH, CLASS, COMMA, CR, DIGIT, DQUOTE, HT, is, LESS, LF, SP, TOKEN, UPPER, VALUE } from './chars.ts';

/**
 * A cursor over one value, which may lie inside a whole datagram. The first failure sticks in `fault` and later reads
 * return empty values, so a parser reads straight through and checks once. What it returns are slices: not owned.
 */
export class Scanner {
  readonly text: Octets;
  pos: number;
  /** The end of what may be read. */
  limit: number;
  fault: Fault | undefined = undefined;

  constructor(text: Octets, start = 0, end: number = text.length) {
    this.text = text;
    this.pos = start;
    this.limit = end;
  }

  /** The octet at the cursor; NaN at the end and after a fault. */
  peek(): number {
    return this.pos < this.limit && this.fault === undefined ? this.text.charCodeAt(this.pos) : Number.NaN;
  }

  get atEnd(): boolean {
    return this.pos >= this.limit;
  }

  fail(expected: string): void {
    this.fault ??= { expected, at: this.pos };
  }

  /** RFC 3261 §25.1 `token`. */
  token(): Octets {
    return this.run(TOKEN, 'token');
  }

  /** A `token` in lower case, for names that are compared without case. */
  lowerToken(): Octets {
    return this.lowerRun(TOKEN, 'token');
  }

  /** A run in lower case. */
  lowerRun(bits: number, expected: string): Octets {
    if (this.fault) return EMPTY;
    const { text, limit, pos: start } = this;
    let seen = 0;
    let pos = start;
    for (; pos < limit; pos += 1) {
      const found = CLASS[text.charCodeAt(pos)] ?? 0;
      if ((found & bits) === 0) break;
      seen |= found;
    }
    this.pos = pos;
    if (pos === start) this.fail(expected);
    const run = slice(text, start, pos);
    return (seen & UPPER) === 0 ? run : lowerAscii(run);
  }

  /** One or more octets of the given classes. */
  run(bits: number, expected: string): Octets {
    if (this.fault) return EMPTY;
    const { text, limit, pos: start } = this;
    let pos = start;
    while (pos < limit && ((CLASS[text.charCodeAt(pos)] ?? 0) & bits) !== 0) pos += 1;
    this.pos = pos;
    if (pos === start) this.fail(expected);
    return slice(text, start, pos);
  }

  /** A quoted-string as it stands, quotes and all; see `unquote`. */
  quoted(): Octets {
    if (this.peek() !== DQUOTE) {
      this.fail('quoted-string');
      return EMPTY;
    }
    const start = this.pos;
    const end = quotedEnd(this.text, start, this.limit);
    if (end < 0) {
      this.fail('a closing quote');
      return EMPTY;
    }
    this.pos = end;
    return slice(this.text, start, end);
  }

  /** The value of a generic-param: token, host or quoted-string (raw), wide enough for what is sent in practice. */
  value(): Octets {
    return this.peek() === DQUOTE ? this.quoted() : this.run(VALUE, 'token, host or quoted-string');
  }

  /** 1*DIGIT below 2^32 (RFC 3261 §8.1.1.5 keeps CSeq below 2^31, which is for its own parser). */
  uint32(): number {
    if (this.fault) return 0;
    const { text, limit, pos: start } = this;
    let pos = start;
    let n = 0;
    for (; pos < limit; pos += 1) {
      const code = text.charCodeAt(pos);
      if (!is(code, DIGIT)) break;
      // Past the bound it can only grow: no need to keep count of a number with a million digits.
      if (n <= 0xffffffff) n = n * 10 + (code - 0x30);
    }
    if (pos === start) this.fail('digits');
    else if (n > 0xffffffff) this.fail('a number below 2^32');
    this.pos = pos;
    return n;
  }

  /** Takes one character if it is next; says whether it was. */
  take(code: number): boolean {
    if (this.peek() !== code) return false;
    this.pos += 1;
    return true;
  }

  /** Demands one ASCII character. */
  skip(ch: string): void {
    if (!this.take(ch.charCodeAt(0))) this.fail(`"${ch}"`);
  }

  /** Demands one character with white space allowed around it: EQUAL, SLASH, SEMI and their like. */
  separator(ch: string): void {
    this.lws();
    this.skip(ch);
    this.lws();
  }

  /** Linear white space, folds included; may be none. */
  lws(): void {
    const { text, limit } = this;
    let pos = this.pos;
    while (pos < limit) {
      const code = text.charCodeAt(pos);
      if (code !== SP && code !== HT && code !== CR && code !== LF) break;
      pos += 1;
    }
    this.pos = pos;
  }

  /** All that is left, without the white space around it. */
  rest(): Octets {
    if (this.fault) return EMPTY;
    this.lws();
    let end = this.limit;
    while (end > this.pos) {
      const code = this.text.charCodeAt(end - 1);
      if (code !== SP && code !== HT && code !== CR && code !== LF) break;
      end -= 1;
    }
    const text = slice(this.text, this.pos, end);
    this.pos = this.limit;
    return text;
  }

  /** Demands that nothing but white space is left. */
  end(): void {
    this.lws();
    if (!this.fault && this.pos < this.limit) this.fail('the end of the value');
  }
}

/** The position behind the quoted-string that opens at `start`, or -1 when it never closes. */
export function quotedEnd(text: Octets, start: number, limit: number): number {
  for (let pos = start + 1; pos < limit; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === BACKSLASH) pos += 1;
    else if (code === DQUOTE) return pos + 1;
  }
  return -1;
}

/** The position of the next comma that parts two values: not in a quoted-string nor between `<` and `>`; else `limit`. */
export function nextComma(text: Octets, start: number, limit: number): number {
  let pos = start;
  while (pos < limit) {
    const code = text.charCodeAt(pos);
    if (code === COMMA) return pos;
    if (code === DQUOTE) {
      const end = quotedEnd(text, pos, limit);
      if (end < 0) return limit;
      pos = end;
    } else if (code === LESS) {
      const end = text.indexOf('>', pos);
      if (end < 0 || end >= limit) return limit;
      pos = end + 1;
    } else pos += 1;
  }
  return limit;
}
