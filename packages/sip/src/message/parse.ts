/**
 * From a datagram to a message: one pass over the head that notes where each field stands and which one it is. Nothing
 * is copied and no value is read but Content-Length. What is wrong with the form but clear in meaning is noted as a
 * `Flaw` for `screenMessage`, so that it can be answered; only what cannot be answered is garbage.
 */
import { type Fault, type Octets, slice } from '@strowger/proto';
import { CLASS, CR, HT, is, isLws, LF, SP, TOKEN } from './chars.ts';
import { END, FIELD, type Flaw, type Head, ID, START, VALUE_END, VALUE_START } from './head.ts';
import { contentLength } from './headers/content-length.ts';
import { type SipMessage, SipRequest, SipResponse } from './message.ts';
import { headerIdAt, UNKNOWN } from './names.ts';
import { parseRequestLine, parseStatusLine } from './start-line.ts';

/** What a datagram is. */
export type ParseOutcome =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** Only line breaks: `ping` when it is the double one that wants an answer (RFC 5626 §4.4.1). */
  | { readonly kind: 'keep-alive'; readonly ping: boolean }
  | { readonly kind: 'garbage'; readonly fault: Fault };

/** Bounds on what is taken for a message at all. */
export interface ParseLimits {
  /** Octets from the start line to the empty line. */
  readonly maxHead: number;
  readonly maxFields: number;
}

export const DEFAULT_LIMITS: ParseLimits = { maxHead: 65_536, maxFields: 512 };

const CONTENT_LENGTH = contentLength.id;

/** Where the fields of the message being read are noted, before they are copied: grown once, not per message. */
const scratch: number[] = [];

/** Reads one datagram, or one message from a stream. Never throws, and takes time in proportion to the text. */
export function parseMessage(text: Octets, limits: ParseLimits = DEFAULT_LIMITS): ParseOutcome {
  const start = leadingBreaks(text);
  if (start === text.length) return { kind: 'keep-alive', ping: text.length >= 4 };
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd < 0) return garbage('the end of the start line', text.length);
  const whole = start === 0 ? text : slice(text, start);
  const line = isStatusLine(whole) ? parseStatusLine(whole, lineEnd - start) : parseRequestLine(whole, lineEnd - start);
  if ('expected' in line) return { kind: 'garbage', fault: line };
  const head = indexFields(whole, lineEnd - start + 2, line.flaw, limits);
  if ('expected' in head) return { kind: 'garbage', fault: head };
  const sized = measureBody(whole, head);
  const message: SipMessage =
    line.kind === 'request' ? new SipRequest(sized, head, line) : new SipResponse(sized, head, line);
  return { kind: 'message', message };
}

/** §7.5: line breaks before a message are to be ignored. */
function leadingBreaks(text: Octets): number {
  let pos = 0;
  while (pos < text.length && (text.charCodeAt(pos) === CR || text.charCodeAt(pos) === LF)) pos += 1;
  return pos;
}

function isStatusLine(text: Octets): boolean {
  return (
    text.charCodeAt(3) === 0x2f &&
    (text.charCodeAt(0) | 0x20) === 0x73 &&
    (text.charCodeAt(1) | 0x20) === 0x69 &&
    (text.charCodeAt(2) | 0x20) === 0x70
  );
}

function indexFields(text: Octets, from: number, flaw: Flaw | undefined, limits: ParseLimits): Head | Fault {
  const note: FieldNotes = { flaw, colon: 0 };
  const lineBreak = text.indexOf('\n');
  // The start line's own: a lone LF or CR in it is caught here, one in a field below.
  if (lineBreak !== from - 1 || text.indexOf('\r') !== from - 2) note.flaw = 'bare-control';
  const bound = Math.min(text.length, limits.maxHead);
  const most = limits.maxFields * FIELD;
  let count = 0;
  let pos = from;
  for (;;) {
    if (pos > bound) return { expected: 'a head within its bound', at: bound };
    if (pos >= text.length) {
      note.flaw ??= 'unfinished';
      break;
    }
    if (text.charCodeAt(pos) === CR && text.charCodeAt(pos + 1) === LF) break;
    if (count >= most) return { expected: 'fewer header fields', at: pos };
    const end = fieldEnd(text, pos, note);
    noteField(text, pos, end, count, note);
    count += FIELD;
    pos = end;
  }
  const zero = text.indexOf('\0');
  return {
    start: from,
    end: pos,
    fields: scratch.slice(0, count),
    flaw: note.flaw,
    hasNul: zero >= 0 && zero < pos,
  };
}

interface FieldNotes {
  flaw: Flaw | undefined;
  /** The next colon at or behind the place last asked about. */
  colon: number;
}

/** Where the field that begins at `start` ends, behind its last line break; its folds are part of it. */
function fieldEnd(text: Octets, start: number, note: FieldNotes): number {
  let pos = start;
  for (;;) {
    const feed = text.indexOf('\n', pos);
    if (feed < 0) {
      note.flaw ??= 'unfinished';
      return text.length;
    }
    if (text.charCodeAt(feed - 1) !== CR) note.flaw = 'bare-control';
    else {
      if (text.indexOf('\r', pos) < feed - 1) note.flaw = 'bare-control';
      const next = text.charCodeAt(feed + 1);
      if (next !== SP && next !== HT) return feed + 1;
    }
    pos = feed + 1;
  }
}

function noteField(text: Octets, start: number, end: number, at: number, note: FieldNotes): void {
  // Remembered, so that a head of many lines without one is not searched from each of them.
  if (note.colon < start) note.colon = text.indexOf(':', start);
  if (note.colon < 0) note.colon = text.length;
  const colon = note.colon;
  let nameEnd = colon >= end ? start : colon;
  // HCOLON allows white space before the colon (§25.1), so a name is known with it or without.
  while (nameEnd > start && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd -= 1;
  let id = headerIdAt(text, start, nameEnd);
  let from = colon + 1;
  if (id === UNKNOWN && !isToken(text, start, nameEnd)) {
    note.flaw ??= 'field';
    id = -1;
    from = start;
  }
  let to = end;
  while (to > from && isLws(text.charCodeAt(to - 1))) to -= 1;
  while (from < to && isLws(text.charCodeAt(from))) from += 1;
  scratch[at + ID] = id;
  scratch[at + START] = start;
  scratch[at + VALUE_START] = from;
  scratch[at + VALUE_END] = to;
  scratch[at + END] = end;
}

function isBlank(code: number): boolean {
  return code === SP || code === HT;
}

function isToken(text: Octets, start: number, end: number): boolean {
  for (let pos = start; pos < end; pos += 1) if (((CLASS[text.charCodeAt(pos)] ?? 0) & TOKEN) === 0) return false;
  return end > start;
}

/**
 * §18.3: octets of a datagram beyond the Content-Length are not part of the message. A length that is wrong or missing
 * leaves all there is; `screenMessage` has the verdict on it.
 */
function measureBody(text: Octets, head: Head): Octets {
  const { fields } = head;
  for (let i = 0; i < fields.length; i += FIELD) {
    if (fields[i + ID] !== CONTENT_LENGTH) continue;
    const from = fields[i + VALUE_START] ?? 0;
    const to = fields[i + VALUE_END] ?? 0;
    let length = from === to ? Number.NaN : 0;
    for (let pos = from; pos < to && length < text.length; pos += 1) {
      const code = text.charCodeAt(pos);
      length = is(code, 2) ? length * 10 + (code - 0x30) : Number.NaN;
      if (Number.isNaN(length)) break;
    }
    const end = head.end + 2 + length;
    return end < text.length ? slice(text, 0, end) : text;
  }
  return text;
}

function garbage(expected: string, at: number): ParseOutcome {
  return { kind: 'garbage', fault: { expected, at } };
}
