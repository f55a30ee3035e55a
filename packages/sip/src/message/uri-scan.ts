/** Reading a URI at a scanner's cursor. */
import { EMPTY, lowerAscii, type Octets, slice } from '@strowger/proto';
import { AT, CLASS, COLON, COMMA, HOST, is, isHex, PARAM, PERCENT, QUESTION, SEMICOLON, TOKEN, USER } from './chars.ts';
import { NO_PARAMS, type Param, type Params } from './params.ts';
import type { Scanner } from './scanner.ts';
import type { SipUri, Uri } from './uri-kinds.ts';

const LBRACKET = 0x5b;
const RBRACKET = 0x5d;
const HASH = 0x23;

/**
 * Reads one URI. A `bare` one stands in a header field without angle brackets, so it has no parameters of its own
 * (they are the field's) and no comma, question mark or semicolon in it (RFC 3261 §20.10).
 */
export function scanUri(s: Scanner, bare: boolean): Uri {
  const secure = sipScheme(s);
  if (secure !== undefined) return scanSipUri(s, secure, bare);
  const start = s.pos;
  const colon = schemeEnd(s);
  if (colon < 0) {
    s.fail('a URI scheme');
    return { kind: 'other', scheme: EMPTY, text: EMPTY };
  }
  const scheme = lowerAscii(slice(s.text, start, colon));
  s.pos = colon + 1;
  if (scheme === 'tel') return scanTelUri(s, bare);
  return { kind: 'other', scheme, text: opaque(s, bare) };
}

/** Takes `sip:` (false) or `sips:` (true) in whatever case; leaves anything else. */
function sipScheme(s: Scanner): boolean | undefined {
  const { text, pos, limit } = s;
  if (s.fault || limit - pos < 4) return undefined;
  if ((text.charCodeAt(pos) | 0x20) !== 0x73 || (text.charCodeAt(pos + 1) | 0x20) !== 0x69) return undefined;
  if ((text.charCodeAt(pos + 2) | 0x20) !== 0x70) return undefined;
  const fourth = text.charCodeAt(pos + 3);
  if (fourth === COLON) {
    s.pos = pos + 4;
    return false;
  }
  if ((fourth | 0x20) !== 0x73 || limit - pos < 5 || text.charCodeAt(pos + 4) !== COLON) return undefined;
  s.pos = pos + 5;
  return true;
}

function schemeEnd(s: Scanner): number {
  const { text, limit } = s;
  let pos = s.pos;
  const first = text.charCodeAt(pos) | 0x20;
  if (s.fault || pos >= limit || first < 0x61 || first > 0x7a) return -1;
  while (pos < limit && is(text.charCodeAt(pos), TOKEN)) pos += 1;
  return pos < limit && text.charCodeAt(pos) === COLON ? pos : -1;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function scanSipUri(s: Scanner, secure: boolean, bare: boolean): SipUri {
  // Filled in place: to spread parts together cost more than to read them.
  const uri: Writable<SipUri> = { kind: 'sip', secure, host: EMPTY, params: NO_PARAMS };
  scanUserinfo(s, bare, uri);
  uri.host = scanHost(s);
  if (s.peek() === COLON) uri.port = scanPort(s);
  if (bare) return uri;
  uri.params = scanUriParams(s);
  if (s.take(QUESTION)) uri.headers = scanHeaders(s);
  return uri;
}

/** No `@` may stand unescaped in a URI but the one that ends the userinfo, so the first one decides. */
function scanUserinfo(s: Scanner, bare: boolean, into: Writable<SipUri>): void {
  const { text, limit, pos: start } = s;
  let colon = -1;
  let pos = start;
  for (; pos < limit; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === AT) break;
    if (code === COLON && colon < 0) colon = pos;
    else if (code === PERCENT) {
      if (!isHex(text.charCodeAt(pos + 1)) || !isHex(text.charCodeAt(pos + 2))) return;
    } else if (((CLASS[code] ?? 0) & USER) === 0) return;
    else if (bare && (code === COMMA || code === SEMICOLON || code === QUESTION)) return;
  }
  if (s.fault || pos >= limit) return;
  const userEnd = colon < 0 ? pos : colon;
  if (userEnd === start) s.fail('a user before "@"');
  s.pos = pos + 1;
  into.user = slice(text, start, userEnd);
  if (colon >= 0) into.password = slice(text, colon + 1, pos);
}

/** Host name, IPv4 address or IPv6 reference, in lower case. */
export function scanHost(s: Scanner): Octets {
  if (s.peek() !== LBRACKET) return s.lowerRun(HOST, 'a host');
  const { text, limit, pos: start } = s;
  let pos = start + 1;
  while (pos < limit && isIpv6(text.charCodeAt(pos))) pos += 1;
  if (pos >= limit || text.charCodeAt(pos) !== RBRACKET || pos < start + 3) s.fail('an IPv6 address in brackets');
  s.pos = pos + 1;
  return lowerAscii(slice(text, start, s.pos));
}

function isIpv6(code: number): boolean {
  return isHex(code) || code === COLON || code === 0x2e;
}

/** `:port`, the colon being next. */
export function scanPort(s: Scanner): number {
  s.skip(':');
  const port = s.uint32();
  if (port > 65_535) s.fail('a port below 65536');
  return port;
}

/** `*( ";" uri-parameter )`, RFC 3261 §25.1. */
function scanUriParams(s: Scanner): Params {
  if (s.peek() !== SEMICOLON) return NO_PARAMS;
  const params: Param[] = [];
  while (s.take(SEMICOLON)) {
    const name = lowerAscii(escapedRun(s, PARAM));
    if (name === '') s.fail('a URI parameter');
    if (s.take(0x3d)) {
      const value = escapedRun(s, PARAM);
      if (value === '') s.fail('a parameter value');
      params.push({ name, value });
    } else params.push({ name });
  }
  return params;
}

/** The headers part: its `hvalue`s and their separators, unread. */
function scanHeaders(s: Scanner): Octets {
  const { text, limit, pos: start } = s;
  let pos = start;
  for (; pos < limit; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === PERCENT ? !isEscape(s, pos) : !is(code, USER | PARAM)) break;
  }
  s.pos = pos;
  if (pos === start) s.fail('URI headers');
  return slice(text, start, pos);
}

function escapedRun(s: Scanner, bits: number): Octets {
  if (s.fault) return EMPTY;
  const { text, limit, pos: start } = s;
  let pos = start;
  for (; pos < limit; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code === PERCENT ? !isEscape(s, pos) : ((CLASS[code] ?? 0) & bits) === 0) break;
  }
  s.pos = pos;
  return slice(text, start, pos);
}

function isEscape(s: Scanner, pos: number): boolean {
  return pos + 2 < s.limit && isHex(s.text.charCodeAt(pos + 1)) && isHex(s.text.charCodeAt(pos + 2));
}

function scanTelUri(s: Scanner, bare: boolean): Uri {
  const { text, limit, pos: start } = s;
  let pos = start;
  while (pos < limit && isPhoneDigit(text.charCodeAt(pos))) pos += 1;
  if (pos === start) s.fail('a telephone number');
  s.pos = pos;
  const number = slice(text, start, pos);
  return { kind: 'tel', number, params: bare ? NO_PARAMS : scanUriParams(s) };
}

/** RFC 3966 §3: digits, `+`, `*`, `#`, hexadecimal digits of local numbers and visual separators. */
function isPhoneDigit(code: number): boolean {
  return (
    isHex(code) ||
    code === 0x2b ||
    code === 0x2a ||
    code === HASH ||
    (code >= 0x28 && code <= 0x29) ||
    code === 0x2d ||
    code === 0x2e
  );
}

/** Visible ASCII but for what would end it: the scheme alone knows more. */
function opaque(s: Scanner, bare: boolean): Octets {
  const { text, limit, pos: start } = s;
  let pos = start;
  for (; pos < limit; pos += 1) {
    const code = text.charCodeAt(pos);
    if (code <= 0x20 || code >= 0x7f || code === 0x22 || code === 0x3c || code === 0x3e) break;
    if (bare && (code === COMMA || code === SEMICOLON || code === QUESTION)) break;
  }
  s.pos = pos;
  if (pos === start) s.fail('something after the scheme');
  return slice(text, start, pos);
}
