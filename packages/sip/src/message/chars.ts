/** The character classes of RFC 3261 §25.1 as one table of bits: a lookup an octet instead of a comparison chain. */

export const TOKEN = 1;
export const DIGIT = 2;
/** `word`, of which a Call-ID is made. */
export const WORD = 4;
/** Octets of a host name or IPv4 address; the underscore is not in the grammar and is in the field. */
export const HOST = 8;
/** `user` without its escapes; `#` is not in the grammar and stands in many a star code. */
export const USER = 16;
/** `paramchar` of a URI, without its escapes. */
export const PARAM = 32;
export const UPPER = 64;
/** What generic-param values are made of in practice: token, host, bare IPv6 and UTF-8, never a separator. */
export const VALUE = 128;

const ALNUM = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MARK = "-_.!~*'()";

export const CLASS: Uint8Array = new Uint8Array(256);
mark(`${ALNUM}-.!%*_+\`'~`, TOKEN | WORD | VALUE);
mark('0123456789', DIGIT);
mark('()<>:\\"/[]?{}', WORD);
mark(`${ALNUM}-._`, HOST);
mark(`${ALNUM}${MARK}&=+$,;?/#`, USER);
mark(`${ALNUM}${MARK}[]/:&+$`, PARAM);
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER);
mark('[]:/@&+$#=()', VALUE);
for (let code = 0x80; code < 0x100; code += 1) CLASS[code] = (CLASS[code] ?? 0) | VALUE;

function mark(chars: string, bit: number): void {
  for (let i = 0; i < chars.length; i += 1) {
    const code = chars.charCodeAt(i);
    CLASS[code] = (CLASS[code] ?? 0) | bit;
  }
}

export const HT = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const PERCENT = 0x25;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const LESS = 0x3c;
export const EQUALS = 0x3d;
export const GREATER = 0x3e;
export const QUESTION = 0x3f;
export const AT = 0x40;
export const BACKSLASH = 0x5c;

/** Whether an octet (or the NaN past the end) is of one of the classes. */
export function is(code: number, bits: number): boolean {
  return ((CLASS[code] ?? 0) & bits) !== 0;
}

export function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

/** SP, HT and what a fold is made of. */
export function isLws(code: number): boolean {
  return code === SP || code === HT || code === CR || code === LF;
}

/** An ASCII letter in lower case; any other octet as it is. */
export function lowerCode(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
