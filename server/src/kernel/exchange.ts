/** One request on its way through the chains, and what may be said to it. */
import type { Flow, Octets } from '@strowger/proto';
import type { Field, ServerKey, SipRequest } from '@strowger/sip';
import type { Principal } from './principal.ts';
import type { Reason } from './reason.ts';
import type { RequestClass } from './request-class.ts';

export interface Answer {
  readonly status: number;
  readonly reason: Reason;
  readonly phrase?: Octets;
  readonly fields?: readonly Field[];
  readonly body?: Octets;
  readonly contentType?: Octets;
}

/** What a link of a chain may decide; saying nothing passes the request on. */
export type Verdict =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'drop'; readonly reason: Reason };

export const refuse = (status: number, reason: Reason, fields?: readonly Field[]): Verdict => ({
  kind: 'answer',
  answer: fields === undefined ? { status, reason } : { status, reason, fields },
});

/** Where a request goes. The mode is chosen once per call. */
export type Plan =
  /** The server itself: REGISTER, OPTIONS to the domain. */
  | { readonly kind: 'local'; readonly reason: Reason }
  | {
      readonly kind: 'targets';
      readonly mode: 'b2bua' | 'proxy';
      readonly callee: Callee;
      readonly targets: readonly Target[];
      readonly reason: Reason;
    };

export interface Callee {
  readonly tenant: string;
  readonly extension: string;
  readonly name: string;
}

/** One place to try: a device's binding, tried in parallel with those of the same q. */
export interface Target {
  /** The Request-URI of the new request. */
  readonly uri: Octets;
  /** Path (RFC 3327), topmost first. */
  readonly path: readonly Octets[];
  /** The way the binding was made: the way in through its NAT. */
  readonly flow: Flow;
  readonly aor: string;
  readonly bindingKey: string;
  readonly q: number;
}

export interface Exchange {
  readonly key: ServerKey;
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly class: RequestClass;
  principal: Principal;
  plan?: Plan;
  /** Every decision taken so far, in order. */
  readonly trail: Reason[];
}
