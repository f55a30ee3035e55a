/** Messages written from their parts. The top Via is the transport's to write: `withTopVia`. */
import { EMPTY, type Octets, octets, slice } from '@strowger/proto';
import { reasonPhrase } from '../registry/responses.ts';
import { parseHeader } from './header.ts';
import { to as toHeader } from './headers/to.ts';
import type { SipRequest } from './message.ts';
import { param } from './params.ts';
import { quotedNuls } from './quoted.ts';

/** A header field to be written: the name is ours, so it is plain ASCII; the value is octets. */
export type Field = readonly [name: string, value: Octets];

export interface RequestParts {
  readonly method: Octets;
  readonly uri: Octets;
  readonly fields: readonly Field[];
  readonly body?: Octets;
  readonly contentType?: Octets;
}

export interface ResponseParts {
  readonly reason?: Octets;
  /** Put into To where the request's has none, but not into a 100 (§8.2.6.2). */
  readonly toTag?: Octets;
  readonly fields?: readonly Field[];
  readonly body?: Octets;
  readonly contentType?: Octets;
}

/** A request with its fields in the given order; Content-Type and Content-Length are added. */
export function composeRequest({ method, uri, fields, body, contentType }: RequestParts): Octets {
  return finish(`${method} ${uri} SIP/2.0\r\n${formatFields(fields)}`, body, contentType);
}

/**
 * A response as §8.2.6 wants it: Via, From, To, Call-ID and CSeq of the request, Record-Route where a dialog may come
 * of it (§12.1.1), Timestamp in a 100. What the request lacks or garbles is left out or made harmless: a 400 is
 * composed by this too.
 */
export function composeResponse(request: SipRequest, status: number, parts: ResponseParts = {}): Octets {
  const { reason, toTag, fields, body, contentType } = parts;
  let head = `SIP/2.0 ${status} ${reason ?? reasonPhrase(status)}\r\n`;
  for (const value of request.rawAll('Via')) head += `Via: ${harmless(request, value)}\r\n`;
  if (status > 100 && status < 300 && mayFormDialog(request.method)) {
    for (const value of request.rawAll('Record-Route')) head += `Record-Route: ${harmless(request, value)}\r\n`;
  }
  head += copy(request, 'From');
  const to = request.raw('To');
  if (to !== undefined) head += `To: ${harmless(request, status > 100 ? withToTag(to, toTag) : to)}\r\n`;
  head += copy(request, 'Call-ID') + copy(request, 'CSeq');
  if (status === 100) head += copy(request, 'Timestamp');
  return finish(head + (fields === undefined ? '' : formatFields(fields)), body, contentType);
}

/** One Via line right behind the start line: what the transport does last (§18.1.1). */
export function withTopVia(text: Octets, via: Octets): Octets {
  const at = text.indexOf('\r\n') + 2;
  return octets`${slice(text, 0, at)}Via: ${via}\r\n${slice(text, at)}`;
}

/** Field lines, each with its line break. */
export function formatFields(fields: readonly Field[]): string {
  let out = '';
  for (const [name, value] of fields) out += `${name}: ${value}\r\n`;
  return out;
}

function finish(head: string, body: Octets = EMPTY, contentType?: Octets): Octets {
  const type = contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`;
  return `${head}${type}Content-Length: ${body.length}\r\n\r\n${body}` as Octets;
}

function copy(request: SipRequest, name: string): string {
  const value = request.raw(name);
  return value === undefined ? '' : `${name}: ${harmless(request, value)}\r\n`;
}

function withToTag(to: Octets, tag: Octets | undefined): Octets {
  if (tag === undefined) return to;
  const value = parseHeader(toHeader, to);
  if (value.ok && param(value.value.params, 'tag') !== undefined) return to;
  return octets`${to};tag=${tag}`;
}

/** A sound value goes back octet for octet; one from a head with stray controls must not carry them into ours. */
function harmless({ head }: SipRequest, value: Octets): Octets {
  const sound = head.flaw === undefined && (!head.hasNul || nulsOf(value) === quotedNuls(value, 0, value.length));
  return sound ? value : (value.replace(/[\r\n\0]+/g, ' ') as Octets);
}

function nulsOf(value: Octets): number {
  let count = 0;
  for (let at = value.indexOf('\0'); at >= 0; at = value.indexOf('\0', at + 1)) count += 1;
  return count;
}

function mayFormDialog(method: Octets): boolean {
  return DIALOG_METHODS.includes(method);
}

/** REFER and NOTIFY: RFC 6665 §4.4.1. */
const DIALOG_METHODS = ['INVITE', 'SUBSCRIBE', 'NOTIFY', 'REFER'] as Octets[];
