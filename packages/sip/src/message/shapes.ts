/** The shapes that several header fields share; a header's own file names its shape. */
import { type Octets, octets } from '@strowger/proto';
import { TOKEN } from './chars.ts';
import { defineHeader, type HeaderDef } from './header.ts';
import { scanBracketed } from './name-addr.ts';
import { formatParams, type Params, parseParams } from './params.ts';
import { unfold } from './quoted.ts';
import { formatUri, type Uri } from './uri.ts';

/** A token with parameters: an encoding, a language tag, an event package, a disposition. */
export interface TokenParams {
  /** As written. */
  readonly value: Octets;
  readonly params: Params;
}

/** `<uri>` with parameters, no display name. */
export interface UriRef {
  readonly uri: Uri;
  readonly params: Params;
}

/** `type/subtype` with parameters. */
export interface MediaType {
  /** As written: compare without case. */
  readonly type: Octets;
  readonly subtype: Octets;
  readonly params: Params;
}

export function tokenHeader(name: string, list: boolean, compact?: string): HeaderDef<Octets> {
  return defineHeader({ ...naming(name, compact), list, parse: (s) => s.token(), format: (value) => value });
}

export function uint32Header(name: string, compact?: string): HeaderDef<number> {
  return defineHeader({ ...naming(name, compact), list: false, parse: (s) => s.uint32(), format: (n) => octets`${n}` });
}

/** Free text in UTF-8, folds made spaces; may be empty. */
export function textHeader(name: string, compact?: string): HeaderDef<Octets> {
  return defineHeader({
    ...naming(name, compact),
    list: false,
    parse: (s) => unfold(s.rest()),
    format: (text) => text,
  });
}

export function tokenParamsHeader(name: string, list: boolean, compact?: string): HeaderDef<TokenParams> {
  return defineHeader({
    ...naming(name, compact),
    list,
    parse: (s) => ({ value: s.run(TOKEN, 'token'), params: parseParams(s) }),
    format: ({ value, params }) => octets`${value}${formatParams(params)}`,
  });
}

export function uriRefHeader(name: string): HeaderDef<UriRef> {
  return defineHeader({
    name,
    list: true,
    parse: (s) => ({ uri: scanBracketed(s), params: parseParams(s) }),
    format: ({ uri, params }) => octets`<${formatUri(uri)}>${formatParams(params)}`,
  });
}

export function mediaTypeHeader(name: string, list: boolean, compact?: string): HeaderDef<MediaType> {
  return defineHeader({
    ...naming(name, compact),
    list,
    parse(s) {
      const type = s.token();
      s.separator('/');
      return { type, subtype: s.token(), params: parseParams(s) };
    },
    format: ({ type, subtype, params }) => octets`${type}/${subtype}${formatParams(params)}`,
  });
}

/** Seconds with parameters: Session-Expires, Min-SE. */
export interface DeltaParams {
  readonly delta: number;
  readonly params: Params;
}

export function deltaParamsHeader(name: string, compact?: string): HeaderDef<DeltaParams> {
  return defineHeader({
    ...naming(name, compact),
    list: false,
    parse: (s) => ({ delta: s.uint32(), params: parseParams(s) }),
    format: ({ delta, params }) => octets`${delta}${formatParams(params)}`,
  });
}

function naming(name: string, compact: string | undefined): { readonly name: string; readonly compact?: string } {
  return compact === undefined ? { name } : { name, compact };
}
