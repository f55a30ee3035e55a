/** The parameters of digest challenges and credentials (RFC 3261 §25.1, RFC 7616 §3.3 and §3.4), each with one value. */
import { faulty, type Octets, octets, type Parsed, parsed, slice } from '@strowger/proto';
import { COMMA, DQUOTE, isLws } from '../message/chars.ts';
import { quoteOctets, unquote } from '../message/quoted.ts';
import { Scanner } from '../message/scanner.ts';

export interface AuthParams {
  /** Lower-cased. */
  readonly scheme: Octets;
  /** By lower-cased name; quoted values without their quotes and escapes. Read of the digest scheme only. */
  readonly params: ReadonlyMap<string, Octets>;
}

const MAX_PARAMS = 64;
const MAX_OCTETS = 8192;

/**
 * Reads a field value. More lenient than the header's own parser (empty elements, a URI without its quotes), and
 * stricter in one thing: a parameter given twice is a fault, because two readers might each take another one.
 */
export function parseAuthParams(value: Octets): Parsed<AuthParams> {
  if (value.length > MAX_OCTETS) return faulty(`at most ${MAX_OCTETS} octets`, MAX_OCTETS);
  const s = new Scanner(value);
  const params = new Map<string, Octets>();
  s.lws();
  const scheme = s.lowerToken();
  // Other schemes have other forms (`Bearer` a bare token, for one), and are nobody's mistake.
  if (!s.fault && scheme !== 'digest') return parsed({ scheme, params });
  for (skipSeparators(s); !s.atEnd && !s.fault; skipSeparators(s)) {
    const at = s.pos;
    const name = s.lowerToken();
    s.separator('=');
    const text = s.peek() === DQUOTE ? unquote(s.quoted()) : bare(s);
    if (s.fault) break;
    if (params.has(name)) return faulty(`one ${name}`, at);
    if (params.size === MAX_PARAMS) return faulty(`at most ${MAX_PARAMS} parameters`, at);
    params.set(name, text);
    if (!s.atEnd && s.peek() !== COMMA && !isLws(s.peek())) s.fail('comma');
  }
  return s.fault ? { ok: false, fault: s.fault } : parsed({ scheme, params });
}

/** `name="value"`, escaped. */
export function quotedParam(name: string, value: Octets): Octets {
  return octets`${name as Octets}=${quoteOctets(value)}`;
}

/** `UTF-8''J%C3%A9`: the octets of an extended value (RFC 5987 §3.2), `undefined` in any other form or charset. */
export function parseExtended(value: Octets): Octets | undefined {
  const match = /^utf-8'[A-Za-z0-9-]{0,64}'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})*)$/i.exec(value);
  return match?.[1]?.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as
    | Octets
    | undefined;
}

function skipSeparators(s: Scanner): void {
  while (s.peek() === COMMA || isLws(s.peek())) s.pos += 1;
}

/** Wider than a token: some leave the quotes of a URI out. */
function bare(s: Scanner): Octets {
  const { text, limit, pos } = s;
  let end = pos;
  for (; end < limit; end += 1) {
    const code = text.charCodeAt(end);
    if (code === COMMA || code === DQUOTE || isLws(code)) break;
  }
  if (end === pos) s.fail('value');
  s.pos = end;
  return slice(text, pos, end);
}
