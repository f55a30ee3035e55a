/** Requests within a dialog, RFC 3261 §12.2.1.1: the text without our Via, and where it goes first. */
import { EMPTY, type Octets, octets } from '@strowger/proto';
import { composeRequest, type Field, param, parseHeader, route } from '../message/index.ts';
import { type Dialog, requestUri } from './dialog.ts';

/** A body and its Content-Type. */
export interface Body {
  readonly type: Octets;
  readonly text: Octets;
}

/** What the TU adds to an in-dialog request. */
export interface DialogRequest {
  readonly method: Octets;
  /** Our Contact value; needed in target refresh requests. */
  readonly contact?: Octets;
  /** The number to use where the request repeats one: an ACK has its INVITE's. Otherwise the next. */
  readonly seq?: number;
  readonly fields?: readonly Field[];
  readonly body?: Body;
}

/** A request that is ready but for its Via. */
export interface BuiltRequest {
  readonly dialog: Dialog;
  readonly method: Octets;
  readonly seq: number;
  readonly text: Octets;
  /** The URI to resolve for the first hop. */
  readonly nextHop: Octets;
}

/** The next request of this dialog, and the dialog after it. */
export function requestInDialog(dialog: Dialog, o: DialogRequest): BuiltRequest {
  const seq = o.seq ?? dialog.localSeq + 1;
  const path = routeRequest(dialog.remoteTarget, dialog.routeSet);
  const fields: Field[] = [
    ['Max-Forwards', MAX_FORWARDS],
    ...path.routes.map((value): Field => ['Route', value]),
    ['From', withTag(dialog.localUri, dialog.localTag)],
    ['To', withTag(dialog.remoteUri, dialog.remoteTag)],
    ['Call-ID', dialog.callId],
    ['CSeq', octets`${seq} ${o.method}`],
  ];
  if (o.contact !== undefined) fields.push(['Contact', o.contact]);
  if (o.fields) fields.push(...o.fields);
  const text = composeRequest({ method: o.method, uri: path.uri, fields, ...bodyOf(o.body) });
  return {
    dialog: seq > dialog.localSeq ? { ...dialog, localSeq: seq } : dialog,
    method: o.method,
    seq,
    text,
    nextHop: path.nextHop,
  };
}

/** Request-URI, Route values and first hop from a target and a route set, past loose and strict routers (§12.2.1.1). */
export function routeRequest(
  target: Octets,
  routeSet: readonly Octets[],
): { readonly uri: Octets; readonly routes: readonly Octets[]; readonly nextHop: Octets } {
  const [first] = routeSet;
  if (first === undefined) return { uri: target, routes: [], nextHop: target };
  const router = readRoute(first);
  // An unreadable first route has no better use than to be sent on as it came.
  if (router === undefined || router.loose) return { uri: target, routes: routeSet, nextHop: router?.uri ?? target };
  return { uri: router.uri, routes: [...routeSet.slice(1), octets`<${target}>`], nextHop: router.uri };
}

/** A side of a dialog as it stands in From or To. */
export function withTag(nameAddr: Octets, tag: Octets): Octets {
  return tag === EMPTY ? nameAddr : octets`${nameAddr};tag=${tag}`;
}

/** As `composeRequest` and `composeResponse` take a body. */
export function bodyOf(body: Body | undefined): { readonly body?: Octets; readonly contentType?: Octets } {
  return body === undefined ? {} : { body: body.text, contentType: body.type };
}

const MAX_FORWARDS: Octets = octets`70`;

function readRoute(value: Octets): { readonly uri: Octets; readonly loose: boolean } | undefined {
  const read = parseHeader(route, value);
  if (!read.ok) return undefined;
  const { uri } = read.value;
  return { uri: requestUri(uri), loose: uri.kind === 'sip' && param(uri.params, 'lr') !== undefined };
}
