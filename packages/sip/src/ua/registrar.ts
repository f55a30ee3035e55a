/**
 * The REGISTER decision as a function of data, RFC 3261 §10.3: no storage, no clock, no I/O.
 *
 * A binding is found again by its instance and reg-id (RFC 5626 §6), else by the equality of URIs (RFC 3261 §19.1.4),
 * never by the contact's text. A refused REGISTER changes nothing at all (§10.3 step 7).
 */
import type { Octets, SocketAddress, TransportName, Wall } from '@strowger/proto';
import { later } from '@strowger/proto';
import { equalUri, type Params, parseUri, type Uri } from '../message/index.ts';

/** What a REGISTER asks for. Owned: a registrar may keep it. */
export interface Register {
  readonly callId: Octets;
  readonly cseq: number;
  /** `'*'`: remove all. An empty list asks for what there is. */
  readonly contacts: '*' | readonly RegisterContact[];
  /** The Expires field, for contacts that say nothing themselves. */
  readonly expires?: number;
  readonly path: readonly Octets[];
  readonly userAgent?: Octets;
  /** RFC 5626 §4.2: the UA supports outbound. */
  readonly outbound: boolean;
  /** RFC 5626 §6: it reached us directly, or its first hop keeps flows (`ob` in its Path). */
  readonly firstHopOutbound: boolean;
}

export interface RegisterContact {
  readonly uri: Uri;
  readonly text: Octets;
  readonly params: Params;
  readonly expires?: number;
  readonly q?: number;
  readonly instance?: Octets;
  readonly regId?: number;
  readonly methods?: Octets;
}

/** The way a REGISTER came, in a form that another process can judge: a connection lives in one boot of one node. */
export interface BindingFlow {
  readonly node: number;
  readonly boot: string;
  readonly transport: TransportName;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly connection?: number;
}

/** Where an AOR can be reached, and until when. Plain data, owned. */
export interface Binding {
  /** Names the binding within its AOR for as long as it lives: `instance;reg-id`, or the URI it was first made with. */
  readonly key: Octets;
  readonly uri: Octets;
  /** Contact parameters but `expires`, `q`, `+sip.instance` and `reg-id`: capabilities, push and whatever comes. */
  readonly params: Params;
  readonly instance?: Octets;
  /** Present only for an RFC 5626 binding. */
  readonly regId?: number;
  /** RFC 3327: Route values on the way to it. */
  readonly path: readonly Octets[];
  readonly received: BindingFlow;
  readonly userAgent?: Octets;
  /** 0 to 1; 1 where the contact named none. */
  readonly q: number;
  readonly methods?: Octets;
  readonly callId: Octets;
  readonly cseq: number;
  readonly registeredAt: Wall;
  readonly expiresAt: Wall;
}

/** In seconds, but for the last. */
export interface RegisterPolicy {
  readonly minExpires: number;
  readonly maxExpires: number;
  readonly defaultExpires: number;
  readonly maxBindings: number;
}

export const DEFAULT_REGISTER_POLICY: RegisterPolicy = {
  minExpires: 60,
  maxExpires: 7200,
  defaultExpires: 3600,
  maxBindings: 10,
};

/** What became of a REGISTER. */
export type RegisterVerdict =
  | {
      readonly status: 200;
      readonly code: 'registered' | 'unregistered' | 'queried';
      /** All bindings of the AOR as they now are, the newest last. */
      readonly bindings: readonly Binding[];
      readonly changes: readonly BindingChange[];
      /** RFC 5626 §6: the response says `Require: outbound`. */
      readonly outbound: boolean;
    }
  | { readonly status: 423; readonly code: 'interval-too-brief'; readonly minExpires: number }
  | { readonly status: 403; readonly code: 'too-many-bindings'; readonly max: number }
  | { readonly status: 439; readonly code: 'first-hop-lacks-outbound' }
  | { readonly status: 500; readonly code: 'register-out-of-order' };

export interface BindingChange {
  readonly kind: 'added' | 'refreshed' | 'removed' | 'expired';
  readonly binding: Binding;
}

/** Decides on a REGISTER, given what the AOR has so far. */
export function decideRegister(
  all: readonly Binding[],
  register: Register,
  policy: RegisterPolicy,
  received: BindingFlow,
  now: Wall,
): RegisterVerdict {
  const live = all.filter((b) => b.expiresAt > now);
  const gone = all.filter((b) => b.expiresAt <= now).map((binding): BindingChange => ({ kind: 'expired', binding }));
  const verdict =
    register.contacts === '*'
      ? removeAll(live, register)
      : applyContacts(live, register, register.contacts, policy, received, now);
  return verdict.status === 200 ? { ...verdict, changes: [...gone, ...verdict.changes] } : verdict;
}

/** §10.3 step 6: `Contact: *` removes all, unless one of them is newer than this request. */
function removeAll(live: readonly Binding[], register: Register): RegisterVerdict {
  if (live.some((b) => isStale(b, register))) return OUT_OF_ORDER;
  const changes = live.map((binding): BindingChange => ({ kind: 'removed', binding }));
  return { status: 200, code: 'unregistered', bindings: [], changes, outbound: false };
}

function applyContacts(
  live: readonly Binding[],
  register: Register,
  contacts: readonly RegisterContact[],
  policy: RegisterPolicy,
  received: BindingFlow,
  now: Wall,
): RegisterVerdict {
  let bindings: readonly Binding[] = live;
  const changes: BindingChange[] = [];
  let outbound = false;
  for (const contact of contacts) {
    const flowed = register.outbound && contact.instance !== undefined && contact.regId !== undefined;
    if (flowed && !register.firstHopOutbound) return { status: 439, code: 'first-hop-lacks-outbound' };
    outbound ||= flowed;
    const wanted = contact.expires ?? register.expires ?? policy.defaultExpires;
    if (wanted > 0 && wanted < policy.minExpires) {
      return { status: 423, code: 'interval-too-brief', minExpires: policy.minExpires };
    }
    const old = findBinding(bindings, contact, flowed);
    // Two contacts of one request may name one binding; only what an earlier request made can be newer.
    if (old && live.includes(old) && isStale(old, register)) return OUT_OF_ORDER;
    const others = old ? bindings.filter((b) => b !== old) : bindings;
    if (wanted === 0) {
      bindings = others;
      if (old) changes.push({ kind: 'removed', binding: old });
      continue;
    }
    const binding = makeBinding(register, contact, flowed, old, received, now);
    const seconds = Math.min(wanted, policy.maxExpires);
    const made: Binding = { ...binding, expiresAt: later(now, seconds * 1000) };
    bindings = [...others, made];
    changes.push({ kind: old ? 'refreshed' : 'added', binding: made });
  }
  // A limit that was lowered later does not keep those from refreshing who are in already.
  if (bindings.length > policy.maxBindings && bindings.length > live.length) {
    return { status: 403, code: 'too-many-bindings', max: policy.maxBindings };
  }
  const removedOnly = changes.length > 0 && changes.every(({ kind }) => kind === 'removed');
  const code = contacts.length === 0 ? 'queried' : removedOnly ? 'unregistered' : 'registered';
  return { status: 200, code, bindings, changes, outbound };
}

const OUT_OF_ORDER: RegisterVerdict = { status: 500, code: 'register-out-of-order' };

/** §10.3 step 7: same Call-ID, and not a higher CSeq. */
function isStale(binding: Binding, { callId, cseq }: Register): boolean {
  return binding.callId === callId && cseq <= binding.cseq;
}

function findBinding(bindings: readonly Binding[], contact: RegisterContact, flowed: boolean): Binding | undefined {
  if (flowed) return bindings.find((b) => b.regId === contact.regId && b.instance === contact.instance);
  return bindings.find((b) => b.regId === undefined && sameUri(b, contact));
}

function sameUri(binding: Binding, { text, uri }: RegisterContact): boolean {
  if (binding.uri === text) return true;
  const stored = parseUri(binding.uri);
  return stored.ok && equalUri(stored.value, uri);
}

function makeBinding(
  register: Register,
  contact: RegisterContact,
  flowed: boolean,
  old: Binding | undefined,
  received: BindingFlow,
  now: Wall,
): Binding {
  const { text, params, instance, regId, q = 1, methods } = contact;
  const { userAgent, callId, cseq, path } = register;
  return {
    key: old?.key ?? (flowed ? outboundKey(instance, regId) : text),
    uri: text,
    params,
    ...(instance === undefined ? {} : { instance }),
    ...(flowed && regId !== undefined ? { regId } : {}),
    path,
    received,
    ...(userAgent === undefined ? {} : { userAgent }),
    q,
    ...(methods === undefined ? {} : { methods }),
    callId,
    cseq,
    registeredAt: old?.registeredAt ?? now,
    expiresAt: now,
  };
}

function outboundKey(instance: Octets | undefined, regId: number | undefined): Octets {
  return `${instance};${regId}` as Octets;
}
