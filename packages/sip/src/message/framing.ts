/**
 * Messages out of a stream (RFC 3261 §18.3): each ends where its Content-Length says. Octets are kept as the pieces they
 * came in and looked at once, so a peer that sends one at a time costs no more than its octets.
 */
import { type Fault, type Octets, octets, slice } from '@strowger/proto';
import { CR, DIGIT, is, isLws, LF } from './chars.ts';
import { headerId, headerIdAt } from './names.ts';

export type Frame =
  | { readonly kind: 'message'; readonly text: Octets }
  /** RFC 5626 §4.4.1: a double line break wants a single one back. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  /** The stream cannot be read any further: close it. */
  | { readonly kind: 'broken'; readonly fault: Fault };

export interface FramerLimits {
  readonly maxHead: number;
  readonly maxBody: number;
}

export const DEFAULT_FRAMER_LIMITS: FramerLimits = { maxHead: 65_536, maxBody: 1_048_576 };

const CONTENT_LENGTH = headerId('Content-Length');

export class StreamFramer {
  readonly #limits: FramerLimits;
  /** Pieces of the message being collected, and how many octets they have. */
  #pieces: Octets[] = [];
  #size = 0;
  /** How much of CR LF CR LF the collected head ends with. */
  #matched = 0;
  /** Octets of the whole message once its head is complete. */
  #total = 0;
  /** Line breaks between messages: octets of the present run of them, at most 3. */
  #breaks = 0;
  /** Whether the present single break was told of. */
  #told = false;
  #broken = false;

  constructor(limits: FramerLimits = DEFAULT_FRAMER_LIMITS) {
    this.#limits = limits;
  }

  /** Octets held for a message that is not complete. */
  get pending(): number {
    return this.#size;
  }

  /** Takes what the stream gave and returns what became complete by it. After `broken` nothing more comes. */
  push(bytes: Octets): readonly Frame[] {
    const frames: Frame[] = [];
    let pos = 0;
    while (pos < bytes.length && !this.#broken) {
      if (this.#size === 0) pos = this.#skipBreaks(bytes, pos, frames);
      if (pos >= bytes.length) break;
      pos = this.#total === 0 ? this.#readHead(bytes, pos, frames) : this.#readBody(bytes, pos, frames);
    }
    if (this.#breaks === 2 && this.#size === 0) this.#pong(frames);
    return frames;
  }

  /** A single break may be half of a double one that is still on its way: it is told of at once, and remembered. */
  #pong(frames: Frame[]): void {
    if (!this.#told) frames.push({ kind: 'pong' });
    this.#told = true;
  }

  #skipBreaks(bytes: Octets, start: number, frames: Frame[]): number {
    let pos = start;
    for (; pos < bytes.length; pos += 1) {
      const code = bytes.charCodeAt(pos);
      if (code !== (this.#breaks % 2 === 0 ? CR : LF)) break;
      this.#breaks += 1;
      if (this.#breaks === 4) {
        frames.push({ kind: 'ping' });
        this.#breaks = 0;
        this.#told = false;
      }
    }
    if (pos < bytes.length) {
      if (this.#breaks === 2) this.#pong(frames);
      this.#breaks = 0;
      this.#told = false;
    }
    return pos;
  }

  #readHead(bytes: Octets, start: number, frames: Frame[]): number {
    const room = this.#limits.maxHead - this.#size;
    const bound = Math.min(bytes.length, start + room);
    let matched = this.#matched;
    let pos = start;
    while (pos < bound && matched < 4) {
      if (matched === 0) {
        const next = bytes.indexOf('\r', pos);
        pos = next < 0 || next > bound ? bound : next;
        if (pos >= bound) break;
      }
      const code = bytes.charCodeAt(pos);
      if (code === (matched % 2 === 0 ? CR : LF)) matched += 1;
      else matched = code === CR ? 1 : 0;
      pos += 1;
    }
    this.#matched = matched;
    this.#keep(bytes, start, pos);
    if (matched < 4) {
      if (this.#size >= this.#limits.maxHead) this.#break('a head within its bound', frames);
      return pos;
    }
    const head = this.#pieces.join('') as Octets;
    this.#pieces = [head];
    const length = bodyLength(head);
    if (typeof length !== 'number') this.#break(length.expected, frames);
    else if (length > this.#limits.maxBody) this.#break('a body within its bound', frames);
    else {
      this.#total = this.#size + length;
      if (length === 0) this.#complete(frames);
    }
    return pos;
  }

  #readBody(bytes: Octets, start: number, frames: Frame[]): number {
    const end = Math.min(bytes.length, start + this.#total - this.#size);
    this.#keep(bytes, start, end);
    if (this.#size === this.#total) this.#complete(frames);
    return end;
  }

  #keep(bytes: Octets, start: number, end: number): void {
    this.#pieces.push(start === 0 && end === bytes.length ? bytes : slice(bytes, start, end));
    this.#size += end - start;
  }

  #complete(frames: Frame[]): void {
    frames.push({ kind: 'message', text: this.#pieces.join('') as Octets });
    this.#reset();
  }

  #break(expected: string, frames: Frame[]): void {
    frames.push({ kind: 'broken', fault: { expected, at: this.#size } });
    this.#reset();
    this.#broken = true;
  }

  #reset(): void {
    this.#pieces = [];
    this.#size = 0;
    this.#matched = 0;
    this.#total = 0;
  }
}

/**
 * The Content-Length of a head. On a stream it must be there (§18.3): to guess where a message ends is to let the peer
 * smuggle the next one. Two that differ are as bad.
 */
function bodyLength(head: Octets): number | Fault {
  let found = -1;
  let pos = head.indexOf('\r\n') + 2;
  while (pos < head.length - 2) {
    let end = head.indexOf('\n', pos);
    while (isFold(head.charCodeAt(end + 1))) end = head.indexOf('\n', end + 1);
    const colon = head.indexOf(':', pos);
    if (colon > pos && colon < end && isContentLength(head, pos, colon)) {
      const length = readNumber(head, colon + 1, end);
      if (length < 0 || (found >= 0 && found !== length)) return { expected: 'one sound Content-Length', at: pos };
      found = length;
    }
    pos = end + 1;
  }
  return found < 0 ? { expected: 'a Content-Length', at: head.length } : found;
}

function isFold(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isContentLength(head: Octets, start: number, colon: number): boolean {
  let end = colon;
  // A field's name is short; a longer run of spaces before the colon is read by nobody as Content-Length.
  while (end > start && isFold(head.charCodeAt(end - 1))) end -= 1;
  return headerIdAt(head, start, end) === CONTENT_LENGTH;
}

function readNumber(head: Octets, start: number, end: number): number {
  let from = start;
  let to = end;
  while (to > from && isLws(head.charCodeAt(to - 1))) to -= 1;
  while (from < to && isLws(head.charCodeAt(from))) from += 1;
  if (from === to) return -1;
  let n = 0;
  for (let i = from; i < to; i += 1) {
    const code = head.charCodeAt(i);
    if (!is(code, DIGIT)) return -1;
    if (n <= 0xffffffff) n = n * 10 + (code - 0x30);
  }
  return n > 0xffffffff ? -1 : n;
}

/** What answers a ping. */
export const PONG: Octets = octets`\r\n`;
export const PING: Octets = octets`\r\n\r\n`;
