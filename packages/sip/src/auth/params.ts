/** `scheme name=value, name="value"` of the four authentication fields (RFC 3261 §25.1, RFC 7235 §2.1). */
import { faulty, lowerAscii, type Octets, octets, type Parsed, parsed } from '@strowger/proto';

export interface AuthParams {
  /** Lower-cased. */
  readonly scheme: Octets;
  /** By lower-cased name; quoted values without their quotes and escapes. Read of the digest scheme only. */
  readonly params: ReadonlyMap<string, Octets>;
}

const MAX_PARAMS = 64;
const MAX_OCTETS = 8192;

const SCHEME = /[\t\n\r ]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)/y;
const SEPARATOR = /[\t\n\r ,]*/y;
const NAME = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)[\t\n\r ]*=[\t\n\r ]*/y;
const QUOTED = /"((?:[^"\\]|\\[\x00-\xff])*)"/y;
/** Wider than a token: some leave the quotes of a URI out. */
const BARE = /[^\t\n\r ,"]+/y;

/** Reads a field value. A parameter given twice is a fault, because the two might be read by two readers. */
export function parseAuthParams(value: Octets): Parsed<AuthParams> {
  if (value.length > MAX_OCTETS) return faulty(`at most ${MAX_OCTETS} octets`, MAX_OCTETS);
  const params = new Map<string, Octets>();
  const scheme = take(SCHEME, value, 0);
  if (!scheme) return faulty('scheme', 0);
  // Other schemes have other forms (`Bearer` a bare token, for one), and are nobody's mistake.
  if (lowerAscii(scheme) !== 'digest') return parsed({ scheme: lowerAscii(scheme), params });
  let at = SCHEME.lastIndex;
  for (;;) {
    take(SEPARATOR, value, at);
    at = SEPARATOR.lastIndex;
    if (at === value.length) return parsed({ scheme: lowerAscii(scheme), params });
    const name = take(NAME, value, at);
    if (!name) return faulty('name=', at);
    const from = NAME.lastIndex;
    const re = value[from] === '"' ? QUOTED : BARE;
    const text = take(re, value, from);
    if (text === undefined) return faulty(re === QUOTED ? 'quoted-string' : 'value', from);
    const key = lowerAscii(name);
    if (params.has(key)) return faulty(`one ${key}`, at);
    if (params.size === MAX_PARAMS) return faulty(`at most ${MAX_PARAMS} parameters`, at);
    params.set(key, re === QUOTED ? unquote(text) : text);
    at = re.lastIndex;
    if (at < value.length && !isSeparator(value.charCodeAt(at))) return faulty('comma', at);
  }
}

/** `name="value"`, escaped. */
export function quotedParam(name: string, value: Octets): Octets {
  return octets`${name as Octets}="${value.replace(/["\\]/g, '\\$&') as Octets}"`;
}

/** `UTF-8''J%C3%A9`: the octets of an extended value (RFC 5987 §3.2), `undefined` in any other form or charset. */
export function parseExtended(value: Octets): Octets | undefined {
  const match = /^utf-8'[A-Za-z0-9-]{0,64}'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})*)$/i.exec(value);
  return match?.[1]?.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as
    | Octets
    | undefined;
}

function take(re: RegExp, text: Octets, at: number): Octets | undefined {
  re.lastIndex = at;
  const match = re.exec(text);
  return match ? ((match[1] ?? match[0]) as Octets) : undefined;
}

function unquote(text: Octets): Octets {
  return text.includes('\\') ? (text.replace(/\\([\x00-\xff])/g, '$1') as Octets) : text;
}

const isSeparator = (code: number): boolean =>
  code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a || code === 0x2c;
