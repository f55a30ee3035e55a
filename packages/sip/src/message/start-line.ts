/** Request-Line and Status-Line, RFC 3261 §7.1 and §7.2. */
import { type Fault, type Octets, slice } from '@strowger/proto';
import { CLASS, DIGIT, is, SP, TOKEN } from './chars.ts';
import type { Flaw } from './head.ts';

export interface RequestLine {
  readonly kind: 'request';
  readonly method: Octets;
  readonly uriText: Octets;
  readonly flaw: Flaw | undefined;
}

export interface StatusLine {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: Octets;
  readonly flaw: Flaw | undefined;
}

/**
 * Reads up to `end`. A line that has a method first and a SIP version last is a request, however its middle looks: it
 * can be answered. Anything else is no SIP.
 */
export function parseRequestLine(text: Octets, end: number): RequestLine | Fault {
  let methodEnd = 0;
  while (methodEnd < end && ((CLASS[text.charCodeAt(methodEnd)] ?? 0) & TOKEN) !== 0) methodEnd += 1;
  if (methodEnd === 0 || text.charCodeAt(methodEnd) !== SP) return { expected: 'a method and a space', at: methodEnd };
  const method = slice(text, 0, methodEnd);
  let last = end;
  while (last > methodEnd && text.charCodeAt(last - 1) <= SP) last -= 1;
  const space = text.lastIndexOf(' ', last - 1);
  if (space < methodEnd || !isVersion(text, space + 1, last)) return { expected: 'SIP/2.0', at: Math.max(space, 0) };
  let uriStart = methodEnd + 1;
  let uriEnd = Math.max(space, uriStart);
  let flaw: Flaw | undefined = last < end || space <= methodEnd ? 'start-line' : undefined;
  while (uriStart < uriEnd && text.charCodeAt(uriStart) <= SP) uriStart += 1;
  while (uriEnd > uriStart && text.charCodeAt(uriEnd - 1) <= SP) uriEnd -= 1;
  const uriText = slice(text, uriStart, uriEnd);
  if (uriStart !== methodEnd + 1 || uriEnd !== space || uriText === '' || uriText.includes(' ')) flaw = 'start-line';
  if (!isVersion2(text, space + 1, last)) flaw = 'version';
  return { kind: 'request', method, uriText, flaw };
}

/** A response with anything wrong in its first line is dropped anyway, so it is garbage. */
export function parseStatusLine(text: Octets, end: number): StatusLine | Fault {
  if (!isVersion2(text, 0, 7) || text.charCodeAt(7) !== SP) return { expected: 'SIP/2.0', at: 0 };
  const a = text.charCodeAt(8);
  const b = text.charCodeAt(9);
  const c = text.charCodeAt(10);
  if (end < 11 || !is(a, DIGIT) || !is(b, DIGIT) || !is(c, DIGIT)) return { expected: 'three digits', at: 8 };
  const status = (a - 0x30) * 100 + (b - 0x30) * 10 + (c - 0x30);
  if (status < 100 || status > 699) return { expected: 'a status from 100 to 699', at: 8 };
  // The space before the reason is not optional in the grammar; senders that leave it out with the reason are many.
  if (end > 11 && text.charCodeAt(11) !== SP) return { expected: 'a space', at: 11 };
  return { kind: 'response', status, reason: slice(text, Math.min(12, end), end), flaw: undefined };
}

/** `SIP/` digits `.` digits, in any case. */
function isVersion(text: Octets, start: number, end: number): boolean {
  return (
    isVersion2(text, start, end) ||
    (end - start >= 7 && end - start <= 64 && /^sip\/\d+\.\d+$/i.test(text.slice(start, end)))
  );
}

function isVersion2(text: Octets, start: number, end: number): boolean {
  if (end - start !== 7) return false;
  if (text.startsWith('SIP/2.0', start)) return true;
  return /^sip\/2\.0$/i.test(text.slice(start, end));
}
