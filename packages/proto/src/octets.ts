/**
 * `Octets`: bytes as a one-byte JavaScript string, each character one octet (U+0000–U+00FF).
 *
 * What comes off the wire is kept octet for octet in this form, and what goes out is made of it. The brand is the
 * guard against injection and mangling: text a person typed becomes `Octets` only through `encode`, which writes UTF-8
 * and refuses line breaks, so "U+010D U+010A" can never turn into CR LF by losing its high bytes.
 */
declare const brand: unique symbol;
export type Octets = string & { readonly [brand]: 'octets' };

export const EMPTY: Octets = '' as Octets;
export const CRLF: Octets = '\r\n' as Octets;

/** In every runtime we serve, but in no `lib` that leaves out both Node and the DOM. */
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (label: 'utf-8') => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8');
const ASCII_TEXT = /^[\x20-\x7e\t]*$/;
const ONE_BYTE = /^[\x00-\xff]*$/;

/** Raised when text cannot stand in a line of a protocol message. Our side's mistake, or a person's input to be refused. */
export class UnencodableText extends Error {
  override readonly name = 'UnencodableText';
  readonly code = 'TEXT_UNENCODABLE';
}

/** Text to UTF-8 octets, for one line of a message. Throws `UnencodableText` on CR, LF or NUL. Lone surrogates become U+FFFD. */
export function encode(text: string): Octets {
  if (ASCII_TEXT.test(text)) return text as Octets;
  if (/[\r\n\0]/.test(text)) throw new UnencodableText('text for a protocol line holds a CR, LF or NUL');
  return fromBytes(encoder.encode(text));
}

/** Text to UTF-8 octets, for a body, where line breaks are welcome. */
export function encodeBody(text: string): Octets {
  return ASCII_TEXT.test(text) ? (text as Octets) : fromBytes(encoder.encode(text));
}

/** UTF-8 octets to text for people; what is not UTF-8 becomes U+FFFD. */
export function decode(octets: Octets): string {
  return ASCII_TEXT.test(octets) ? octets : decoder.decode(toBytes(octets));
}

/** What a receiver got. The only other way in is `encode`, `octets` and joining what is octets already. */
export function fromBytes(bytes: Uint8Array): Octets {
  if (bytes.length <= CHUNK) return String.fromCharCode.apply(null, bytes as unknown as number[]) as Octets;
  let out = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    out += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK) as unknown as number[]);
  }
  return out as Octets;
}

/** `apply` puts its arguments on the stack, so it takes a bounded number at a time. */
const CHUNK = 8192;

export function toBytes(octets: Octets): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(octets.length);
  for (let i = 0; i < octets.length; i += 1) bytes[i] = octets.charCodeAt(i);
  return bytes;
}

/** A host's own fast conversion (Node's `latin1Slice`) enters here; checked, because the brand is a promise. */
export function assumeOctets(text: string): Octets {
  if (!ONE_BYTE.test(text)) throw new TypeError('not one byte a character');
  return text as Octets;
}

/**
 * Joins octets and numbers with literal ASCII text: octets`CSeq: ${n} ${method}`. A `string` that is not `Octets` is a
 * type error, which is the point.
 */
export function octets(literal: TemplateStringsArray, ...values: readonly (Octets | number)[]): Octets {
  let out = literal[0] ?? '';
  for (let i = 0; i < values.length; i += 1) out += `${values[i]}${literal[i + 1] ?? ''}`;
  return out as Octets;
}

export function join(parts: readonly Octets[], separator: Octets = EMPTY): Octets {
  return parts.join(separator) as Octets;
}

export function slice(text: Octets, start: number, end?: number): Octets {
  return text.slice(start, end) as Octets;
}

/**
 * A copy that stands alone. V8 keeps a whole datagram alive for a slice of it (933 bytes for a value of 46 characters,
 * measured), so whatever outlives the handling of a message is owned first.
 */
export function own(text: Octets): Octets {
  if (text.length < 13) return fromCodes(text);
  return fromBytes(toBytes(text));
}

function fromCodes(text: Octets): Octets {
  let out = '';
  for (let i = 0; i < text.length; i += 1) out += String.fromCharCode(text.charCodeAt(i));
  return out as Octets;
}

/** ASCII only: `toLowerCase` would fold U+00C0–U+00DE, which here are halves of UTF-8 characters. */
export function lowerAscii(text: Octets): Octets {
  return (/[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : text) as Octets;
}

export function equalsIgnoreCase(a: Octets, b: Octets): boolean {
  return a === b || (a.length === b.length && lowerAscii(a) === lowerAscii(b));
}

/** Linear white space only (SP, HT, and the CR LF of a fold): `trim` would eat U+00A0, half of many a UTF-8 character. */
export function trimLws(text: Octets): Octets {
  let start = 0;
  let end = text.length;
  while (start < end && isLws(text.charCodeAt(start))) start += 1;
  while (end > start && isLws(text.charCodeAt(end - 1))) end -= 1;
  return (start === 0 && end === text.length ? text : text.slice(start, end)) as Octets;
}

function isLws(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}
