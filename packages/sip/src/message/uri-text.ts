/** URIs compared (RFC 3261 §19.1.4) and shown to people. */
import { decode, EMPTY, encode, lowerAscii, type Octets } from '@strowger/proto';
import { isHex, PERCENT } from './chars.ts';
import { type Param, type Params, param } from './params.ts';
import type { SipUri, TelUri, Uri } from './uri.ts';

const UNESCAPED_USER = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/]*$/;
const HEX = '0123456789ABCDEF';

/** The user of a sip URI, or the number of a tel URI, unescaped, for people and directories; may hold any character. */
export function userText(uri: Uri): string {
  switch (uri.kind) {
    case 'sip':
      return decode(unescapeUri(uri.user ?? EMPTY));
    case 'tel':
      return decode(uri.number);
    case 'other':
      return '';
  }
}

/** Text as the user of a SIP URI: UTF-8, whatever is not allowed in it as `%XX`. A line break is escaped, never written. */
export function escapeUser(text: string): Octets {
  if (UNESCAPED_USER.test(text)) return text as Octets;
  let out = '';
  for (const part of text.split(/([\r\n\0]+)/)) {
    const octets = /^[\r\n\0]/.test(part) ? (part as Octets) : encode(part);
    for (let i = 0; i < octets.length; i += 1) {
      const code = octets.charCodeAt(i);
      const ch = octets.charAt(i);
      out += UNESCAPED_USER.test(ch) ? ch : `%${HEX[code >> 4]}${HEX[code & 15]}`;
    }
  }
  return out as Octets;
}

/** `%XX` resolved, once; a percent sign that begins no escape stays. */
export function unescapeUri(text: Octets): Octets {
  let at = text.indexOf('%');
  if (at < 0) return text;
  let out = '';
  let from = 0;
  while (at >= 0) {
    const code = escapeAt(text, at);
    if (code >= 0) {
      out += text.slice(from, at) + String.fromCharCode(code);
      from = at + 3;
    }
    at = text.indexOf('%', at + (code >= 0 ? 3 : 1));
  }
  return (out + text.slice(from)) as Octets;
}

function escapeAt(text: Octets, at: number): number {
  if (text.charCodeAt(at) !== PERCENT || !isHex(text.charCodeAt(at + 1)) || !isHex(text.charCodeAt(at + 2))) return -1;
  return Number.parseInt(text.slice(at + 1, at + 3), 16);
}

/** RFC 3261 §19.1.4; tel by RFC 3966 §4. Not transitive, by the RFC's own design: never a key of a map. */
export function equalUri(a: Uri, b: Uri): boolean {
  if (a.kind === 'sip') return b.kind === 'sip' && equalSipUri(a, b);
  if (a.kind === 'tel') return b.kind === 'tel' && equalTelUri(a, b);
  return b.kind === 'other' && a.scheme === b.scheme && a.text === b.text;
}

function equalSipUri(a: SipUri, b: SipUri): boolean {
  return (
    a.secure === b.secure &&
    a.host === b.host &&
    a.port === b.port &&
    equalEscaped(a.user, b.user) &&
    equalEscaped(a.password, b.password) &&
    equalParams(a.params, b.params) &&
    equalParams(b.params, a.params) &&
    equalHeaders(a.headers, b.headers)
  );
}

function equalEscaped(a: Octets | undefined, b: Octets | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && normal(a) === normal(b);
}

/** Escapes of characters that need none resolved; those of reserved ones kept, in one spelling. */
function normal(text: Octets): Octets {
  let out = '';
  for (let i = 0; i < text.length; i += 1) {
    const code = escapeAt(text, i);
    if (code < 0) out += text[i];
    else {
      const ch = String.fromCharCode(code);
      out += /[A-Za-z0-9\-_.!~*'()]/.test(ch) ? ch : `%${HEX[code >> 4]}${HEX[code & 15]}`;
      i += 2;
    }
  }
  return out as Octets;
}

/** These count even where the other side lacks them. */
const ALWAYS: ReadonlySet<string> = new Set(['user', 'ttl', 'method', 'maddr', 'transport']);

function equalParams(a: Params, b: Params): boolean {
  return a.every(({ name, value }: Param) => {
    const other = param(b, normalLower(name)) ?? param(b, name);
    if (other === undefined) return !ALWAYS.has(name);
    return normalLower(value ?? EMPTY) === normalLower(other);
  });
}

const normalLower = (text: Octets): Octets => lowerAscii(normal(text));

/** The headers part must match in any order; a missing one matters. */
function equalHeaders(a: Octets | undefined, b: Octets | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  const sorted = (text: Octets) =>
    text
      .split('&')
      .map((h) => {
        const at = h.indexOf('=');
        const name = at < 0 ? h : h.slice(0, at);
        return `${normalLower(name as Octets)}=${normal((at < 0 ? '' : h.slice(at + 1)) as Octets)}`;
      })
      .sort()
      .join('&');
  return sorted(a) === sorted(b);
}

function equalTelUri(a: TelUri, b: TelUri): boolean {
  const digits = (n: Octets) => lowerAscii(n.replace(/[-.()]/g, '') as Octets);
  if (digits(a.number) !== digits(b.number) || a.params.length !== b.params.length) return false;
  return a.params.every(({ name, value }) => {
    const other = param(b.params, name);
    return other !== undefined && lowerAscii(other) === lowerAscii(value ?? EMPTY);
  });
}
