/**
 * What a proxy does to a request before it forwards it, RFC 3261 §16.3, §16.4, §16.6 and RFC 5393: verdicts and lists
 * of edits, so that all else travels byte for byte.
 */
import { EMPTY, join, lowerAscii, type Octets, octets } from '@strowger/proto';
import { requestUri, routeRequest } from '../dialog/index.ts';
import {
  callId,
  type Edit,
  maxForwards,
  type NameAddr,
  param,
  proxyAuthorization,
  proxyRequire,
  route,
  type SipRequest,
  type Uri,
  type Via,
  via,
} from '../message/index.ts';

/** Why a request is not forwarded. */
export interface ProxyRefusal {
  readonly status: 420 | 482 | 483;
  readonly code: 'too-many-hops' | 'loop-detected' | 'proxy-require-unsupported';
  /** For a 420: what the Unsupported field lists. */
  readonly unsupported?: readonly Octets[];
}

export interface ProxyIdentity {
  /** Whether a URI in Route or Request-URI is this proxy. */
  isOwn(uri: Uri): boolean;
  /** The loop hash in a Via that is ours; undefined for everybody else's. */
  loopHashOf(via: Via): number | undefined;
  /** Option tags understood in Proxy-Require, lower-case. */
  readonly supported?: ReadonlySet<string>;
}

/** §16.3: the checks that come before any routing. `loopHash` is that of the request as it came in. */
export function validateForward(request: SipRequest, self: ProxyIdentity, loopHash?: number): ProxyRefusal | undefined {
  if (request.get(maxForwards) === 0) return { status: 483, code: 'too-many-hops' };
  // RFC 5393 §4.2: through us before, and nothing that decides its way has changed since. A spiral has.
  if (loopHash !== undefined && request.getAll(via).some((v) => self.loopHashOf(v) === loopHash)) {
    return { status: 482, code: 'loop-detected' };
  }
  const unsupported = request.getAll(proxyRequire).filter((option) => !self.supported?.has(lowerAscii(option)));
  if (unsupported.length > 0) return { status: 420, code: 'proxy-require-unsupported', unsupported };
  return undefined;
}

/** §16.6 step 8, RFC 5393 §4.2.1: all that decides a request's way, as one text to hash into our branch. */
export function loopInput(request: SipRequest): Octets {
  return join(
    [
      request.uriText,
      request.fromTag ?? EMPTY,
      request.toTag ?? EMPTY,
      request.raw(callId) ?? EMPTY,
      octets`${request.cseq.seq}`,
      ...request.rawAll(route),
      ...request.rawAll(proxyRequire),
      ...request.rawAll(proxyAuthorization),
    ],
    octets`\n`,
  );
}

/** 32 bits of `loopInput` (FNV-1a), never 0: what a branch carries, and what it is compared with when it comes back. */
export function loopHash(request: SipRequest): number {
  const text = loopInput(request);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0 || 1;
}

/** A request's way as §16.4 reads it. */
export interface RouteInformation {
  /** What the Request-URI really is. */
  readonly uri: Octets;
  readonly parsed: Uri | undefined;
  /** Route values left to follow. */
  readonly routes: readonly Octets[];
  /** How many values in front were ours. */
  readonly removed: number;
  /** A strict router put our Route into the Request-URI and the true one at the end of Route. */
  readonly fromStrictRouter: boolean;
  /** The Route value of ours that was on top: its parameters may say what we once decided. */
  readonly own?: NameAddr;
}

/** §16.4. */
export function routeInformation(request: SipRequest, { isOwn }: Pick<ProxyIdentity, 'isOwn'>): RouteInformation {
  const values = request.getAll(route);
  let routes = request.rawAll(route);
  let uri = request.uriText;
  let parsed = request.uri.ok ? request.uri.value : undefined;
  const last = values.at(-1);
  // A Record-Route of ours has no user part and carries `lr`; a request to a person never looks so.
  const fromStrictRouter = last !== undefined && parsed !== undefined && isRecordRoute(parsed) && isOwn(parsed);
  if (fromStrictRouter) {
    parsed = last.uri;
    uri = requestUri(last.uri);
    routes = routes.slice(0, -1);
  }
  let removed = 0;
  let own: NameAddr | undefined;
  const left = fromStrictRouter ? values.slice(0, -1) : values;
  // Two of ours in a row when we stand between two transports (RFC 5658).
  for (const value of left) {
    if (removed >= 2 || !isOwn(value.uri)) break;
    own ??= value;
    removed += 1;
  }
  return {
    uri,
    parsed,
    routes: routes.slice(removed),
    removed,
    fromStrictRouter,
    ...(own === undefined ? {} : { own }),
  };
}

function isRecordRoute(uri: Uri): boolean {
  return uri.kind === 'sip' && uri.user === undefined && param(uri.params, 'lr') !== undefined;
}

/** Where one copy goes, and with what. */
export interface ForwardTarget {
  /** The target's URI; left out, the request keeps the one it has (in-dialog: §16.5). */
  readonly uri?: Octets;
  /** Path of a binding, or a service route: goes on top of what Route is left (§16.6 step 6, RFC 3327). */
  readonly routes?: readonly Octets[];
  /** Our Record-Route values, the top one first; none if the proxy need not stay in the path. */
  readonly recordRoutes?: readonly Octets[];
}

/** The edits of one copy, and the URI that its next hop is resolved from. Its Via is the transport's to add. */
export interface Forwarding {
  readonly edits: readonly Edit[];
  readonly nextHop: Octets;
}

/** §16.6, steps 2–7. */
export function forwardEdits(request: SipRequest, info: RouteInformation, target: ForwardTarget): Forwarding {
  const wanted = target.uri ?? info.uri;
  const routes = [...(target.routes ?? []), ...info.routes];
  // Step 6: a strict router next gets its own URI in the Request-URI, and the true one at the end of Route.
  const { uri, routes: written, nextHop } = routeRequest(wanted, routes);
  const edits: Edit[] = [];
  if (uri !== request.uriText) edits.push({ op: 'start', line: octets`${request.method} ${uri} SIP/2.0` });
  edits.push(forwardsEdit(request));
  // The list's order is the wire's: what is prepended last stands first.
  for (const value of [...(target.recordRoutes ?? [])].reverse()) {
    edits.push({ op: 'prepend', name: 'Record-Route', value });
  }
  if (!sameTexts(written, request.rawAll(route))) {
    edits.push({ op: 'remove', name: 'Route' });
    for (const value of written) edits.push({ op: 'insert', at: 'top', name: 'Route', value });
  }
  return { edits, nextHop };
}

/** §16.6 step 4. */
function forwardsEdit(request: SipRequest): Edit {
  const hops = request.get(maxForwards);
  if (hops === undefined) return { op: 'insert', at: 'end', name: 'Max-Forwards', value: octets`70` };
  return { op: 'replace', name: 'Max-Forwards', index: 0, value: octets`${Math.max(0, hops - 1)}` };
}

function sameTexts(a: readonly Octets[], b: readonly Octets[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
