/** `name-addr / addr-spec` with header parameters: From, To, Contact, Route and their kin (RFC 3261 §20.10). */
import { type Octets, octets, slice } from '@strowger/proto';
import { DQUOTE, is, isLws, LESS, TOKEN } from './chars.ts';
import { defineHeader, type HeaderDef } from './header.ts';
import { formatParams, type Params, parseParams } from './params.ts';
import { formatDisplay, unquote } from './quoted.ts';
import type { Scanner } from './scanner.ts';
import { formatUri, type Uri } from './uri.ts';
import { scanUri } from './uri-scan.ts';

export interface NameAddr {
  /** What it says, in UTF-8 octets: no quotes, no escapes. `decode` makes it text. */
  readonly display?: Octets;
  readonly uri: Uri;
  readonly params: Params;
}

export function parseNameAddr(s: Scanner): NameAddr {
  const display = s.peek() === LESS ? undefined : scanDisplay(s);
  const uri = s.peek() === LESS ? scanBracketed(s) : scanUri(s, true);
  const params = parseParams(s);
  return display === undefined ? { uri, params } : { display, uri, params };
}

export function formatNameAddr({ display, uri, params }: NameAddr): Octets {
  const bracketed = octets`<${formatUri(uri)}>${formatParams(params)}`;
  return display === undefined ? bracketed : octets`${formatDisplay(display)} ${bracketed}`;
}

/** A field of this shape. */
export function nameAddrHeader(name: string, list: boolean, compact?: string): HeaderDef<NameAddr> {
  return defineHeader({
    name,
    ...(compact === undefined ? {} : { compact }),
    list,
    parse: parseNameAddr,
    format: formatNameAddr,
  });
}

/** `<uri>`, the bracket being next. */
export function scanBracketed(s: Scanner): Uri {
  s.skip('<');
  const { limit } = s;
  const end = s.text.indexOf('>', s.pos);
  if (end < 0 || end >= limit) {
    s.fail('">"');
    return scanUri(s, false);
  }
  s.limit = end;
  const uri = scanUri(s, false);
  if (!s.fault && s.pos < end) s.fail('the end of the URI');
  s.limit = limit;
  s.pos = end + 1;
  return uri;
}

/** The display name, if one stands before the `<`; leaves the cursor at the bracket or, if there is none, where it was. */
function scanDisplay(s: Scanner): Octets | undefined {
  if (s.peek() === DQUOTE) {
    const quoted = s.quoted();
    s.lws();
    if (s.peek() !== LESS) s.fail('"<"');
    return unquote(quoted);
  }
  const { text, limit, pos: start } = s;
  let pos = start;
  let end = start;
  let folded = false;
  for (; pos < limit; pos += 1) {
    const code = text.charCodeAt(pos);
    if (is(code, TOKEN)) end = pos + 1;
    else if (isLws(code)) folded ||= code !== 0x20;
    else break;
  }
  if (pos >= limit || text.charCodeAt(pos) !== LESS) return undefined;
  s.pos = pos;
  const name = slice(text, start, end);
  return folded ? collapse(name) : name;
}

function collapse(text: Octets): Octets {
  return text.split(/[ \t\r\n]+/).join(' ') as Octets;
}
