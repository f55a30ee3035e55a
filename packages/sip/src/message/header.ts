import { type Octets, type Parsed, slice } from '@strowger/proto';
import { RemoteProtocolError } from '../errors.ts';
import { COMMA } from './chars.ts';
import { headerId } from './names.ts';
import { nextComma, Scanner } from './scanner.ts';

/** Everything the stack knows about one header field: one file in `headers/` per definition. */
export interface HeaderDef<T> {
  readonly name: string;
  /** Its number in the index of a message (`names.ts`); 0 for a name that is not listed there, found by its text. */
  readonly id: number;
  readonly compact?: string;
  /** Whether several values may share a line, parted by commas (RFC 3261 §7.3.1). */
  readonly list: boolean;
  /** Reads one value at the cursor. */
  parse(s: Scanner): T;
  format(value: T): Octets;
}

/** A definition with its number filled in. */
export function defineHeader<T>(def: Omit<HeaderDef<T>, 'id'>): HeaderDef<T> {
  return { ...def, id: headerId(def.name) };
}

/** Reads a text that is one value. Never throws: the peer's mistakes are data. */
export function parseHeader<T>(def: HeaderDef<T>, text: Octets): Parsed<T> {
  const s = new Scanner(text);
  s.lws();
  const value = def.parse(s);
  s.end();
  return s.fault === undefined ? { ok: true, value } : { ok: false, fault: s.fault };
}

/** The first value of a field line; what follows its comma is not looked at. */
export function parseFirst<T>(def: HeaderDef<T>, text: Octets, start: number, end: number): Parsed<T> {
  const s = new Scanner(text, start, end);
  s.lws();
  const value = def.parse(s);
  s.lws();
  if (!def.list || s.peek() !== COMMA) s.end();
  return s.fault === undefined ? { ok: true, value } : { ok: false, fault: s.fault };
}

/** Each value of one field line, sound or not; an empty line of a list has none (RFC 3261 §20.1, §20.37). */
export function parseLine<T>(def: HeaderDef<T>, text: Octets, start: number, end: number, into: Parsed<T>[]): void {
  if (!def.list) {
    into.push(parseFirst(def, text, start, end));
    return;
  }
  if (start === end) return;
  let pos = start;
  for (;;) {
    const s = new Scanner(text, pos, end);
    s.lws();
    const value = def.parse(s);
    s.lws();
    if (s.peek() !== COMMA) s.end();
    into.push(s.fault === undefined ? { ok: true, value } : { ok: false, fault: s.fault });
    // After a fault the next value begins at the next comma that looks like one.
    const comma = s.fault === undefined ? s.pos : nextComma(text, pos, end);
    if (comma >= end) return;
    pos = comma + 1;
  }
}

/** For a caller that wants the peer's mistake as an error. */
export function headerError(
  def: HeaderDef<unknown>,
  fault: { readonly expected: string; readonly at: number },
): RemoteProtocolError {
  return new RemoteProtocolError('SIP_HEADER_SYNTAX', `${def.name}: expected ${fault.expected} at ${fault.at}`, {
    status: 400,
  });
}

/** The texts of a line's values, white space off. */
export function splitValues(text: Octets, start: number, end: number, into: Octets[]): void {
  if (start === end) return;
  for (let pos = start; ; ) {
    const comma = nextComma(text, pos, end);
    into.push(trimmed(text, pos, comma));
    if (comma >= end) return;
    pos = comma + 1;
  }
}

function trimmed(text: Octets, start: number, end: number): Octets {
  let from = start;
  let to = end;
  while (from < to && text.charCodeAt(from) <= 0x20) from += 1;
  while (to > from && text.charCodeAt(to - 1) <= 0x20) to -= 1;
  return slice(text, from, to);
}
