/** `auth-scheme 1*SP auth-param *(COMMA auth-param)`: challenges and credentials alike (RFC 3261 §25.1, RFC 7616). */
import { EMPTY, equalsIgnoreCase, type Octets, octets } from '@strowger/proto';
import { COMMA, EQUALS } from './chars.ts';
import { defineHeader, type HeaderDef } from './header.ts';
import { type Param, type Params, paramText, parseParam } from './params.ts';
import type { Scanner } from './scanner.ts';

export interface Credentials {
  /** As written: compare without case. */
  readonly scheme: Octets;
  /** Quoted values keep their quotes; `authParam` takes them off. */
  readonly params: Params;
  /** What follows the scheme where that is no list of parameters (token68 of RFC 7235). */
  readonly data?: Octets;
}

export type Challenge = Credentials;

/** A parameter without its quotes. */
export function authParam(credentials: Credentials, name: string): Octets | undefined {
  return paramText(credentials.params, name);
}

export function isDigest({ scheme }: Credentials): boolean {
  return equalsIgnoreCase(scheme, 'Digest' as Octets);
}

/** The field may be repeated, but a line is one value though it has commas (§7.3.1). */
export function credentialsHeader(name: string): HeaderDef<Credentials> {
  return defineHeader({
    name,
    list: false,
    parse(s) {
      const scheme = s.token();
      s.lws();
      if (isToken68(s)) return { scheme, params: [], data: s.rest() };
      return { scheme, params: parseAuthParams(s) };
    },
    format: ({ scheme, params, data }) => octets`${scheme} ${data ?? formatAuthParams(params)}`,
  });
}

/** `auth-param *(COMMA auth-param)`, also what Authentication-Info is. */
export function parseAuthParams(s: Scanner): Params {
  const params: Param[] = [];
  do {
    s.lws();
    const param = parseParam(s);
    if (param.value === undefined) s.fail('"="');
    params.push(param);
    s.lws();
  } while (s.take(COMMA));
  return params;
}

export function formatAuthParams(params: Params): Octets {
  let out = EMPTY;
  for (const { name, value } of params) {
    out = octets`${out}${out === EMPTY ? EMPTY : (', ' as Octets)}${name}=${value ?? EMPTY}`;
  }
  return out;
}

/** A scheme's single opaque text: it holds no `=` but as padding at its end. */
function isToken68(s: Scanner): boolean {
  let end = s.limit;
  const { text, pos } = s;
  while (end > pos && (text.charCodeAt(end - 1) === EQUALS || text.charCodeAt(end - 1) <= 0x20)) end -= 1;
  if (end === pos) return false;
  for (let i = pos; i < end; i += 1) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === EQUALS || code === COMMA || code === 0x22) return false;
  }
  return true;
}
