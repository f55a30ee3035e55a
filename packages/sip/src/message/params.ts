/** Parameters of header fields (`;name=value`), in order, names in lower case, values as they stand. */
import { EMPTY, type Octets, octets } from '@strowger/proto';
import { EQUALS, SEMICOLON } from './chars.ts';
import { unquote } from './quoted.ts';
import type { Scanner } from './scanner.ts';

/** A quoted value keeps its quotes, so that it can be forwarded as it came; `paramText` takes them off. */
export interface Param {
  readonly name: Octets;
  readonly value?: Octets;
}

export type Params = readonly Param[];

export const NO_PARAMS: Params = [];

/** `*( SEMI generic-param )` from the cursor on. */
export function parseParams(s: Scanner): Params {
  let params: Param[] | undefined;
  for (;;) {
    const before = s.pos;
    s.lws();
    if (!s.take(SEMICOLON)) {
      s.pos = s.fault ? s.pos : before;
      return params ?? NO_PARAMS;
    }
    s.lws();
    const param = parseParam(s);
    if (params === undefined) params = [param];
    else params.push(param);
  }
}

/** One generic-param. */
export function parseParam(s: Scanner): Param {
  const name = s.lowerToken();
  const before = s.pos;
  s.lws();
  if (!s.take(EQUALS)) {
    if (!s.fault) s.pos = before;
    return { name };
  }
  s.lws();
  return { name, value: s.value() };
}

export function formatParams(params: Params): Octets {
  let out = EMPTY;
  for (const { name, value } of params) {
    out = value === undefined ? octets`${out};${name}` : octets`${out};${name}=${value}`;
  }
  return out;
}

/** The value as it stands; empty for one without a value; undefined when there is no such parameter. */
export function param(params: Params, name: string): Octets | undefined {
  for (const p of params) if (p.name === name) return p.value ?? EMPTY;
  return undefined;
}

/** The value without the quotes and escapes of a quoted-string. */
export function paramText(params: Params, name: string): Octets | undefined {
  const value = param(params, name);
  return value === undefined ? undefined : unquote(value);
}

export function hasParam(params: Params, name: string): boolean {
  for (const p of params) if (p.name === name) return true;
  return false;
}

/** With this parameter set, in the place of the one it replaces or at the end. `name` is ASCII in lower case. */
export function withParam(params: Params, name: string, value?: Octets): Params {
  const next: Param = value === undefined ? { name: name as Octets } : { name: name as Octets, value };
  if (!hasParam(params, name)) return [...params, next];
  return params.map((p) => (p.name === name ? next : p));
}

export function withoutParam(params: Params, name: string): Params {
  return hasParam(params, name) ? params.filter((p) => p.name !== name) : params;
}
