/**
 * What the four transaction machines take and give. They are pure: an input carries `now` and whatever text may have to
 * be sent, outputs are performed by the caller in their order, deadlines are data in the state. What goes up to the TU
 * is always the last output, so that a TU which acts at once finds everything else done.
 */
import type { Mono, Octets } from '@strowger/proto';

/** A text that is sent again at `at`, and what the interval before that was. Absent on reliable transports. */
export interface Resend {
  readonly text: Octets;
  readonly at: Mono;
  readonly interval: number;
}

export type ClientInput =
  /** `ack` goes with a final response other than 2xx to an INVITE that is not yet acknowledged. */
  | { readonly kind: 'response'; readonly now: Mono; readonly status: number; readonly ack?: Octets }
  | { readonly kind: 'tick'; readonly now: Mono }
  /** The TU gives an INVITE up (RFC 3261 §9.1). */
  | { readonly kind: 'cancel'; readonly now: Mono }
  /** The stream that size demanded could not be had: go on over UDP with this text (RFC 3261 §18.1.1). */
  | { readonly kind: 'fall-back'; readonly now: Mono; readonly request: Octets }
  | { readonly kind: 'transport-error'; readonly now: Mono };

export type ClientOutput =
  | { readonly kind: 'send'; readonly text: Octets }
  /** A CANCEL may go now: the peer is known to have the INVITE. */
  | { readonly kind: 'cancel' }
  /** The response of this input is the TU's. */
  | { readonly kind: 'response' }
  | { readonly kind: 'failed'; readonly reason: FailureReason };

export type FailureReason = 'timeout' | 'transport';

export type ServerInput =
  /** The same request once more. */
  | { readonly kind: 'retransmission'; readonly now: Mono }
  /** An ACK that matched; INVITE only. */
  | { readonly kind: 'ack'; readonly now: Mono }
  /** The TU's response. */
  | { readonly kind: 'respond'; readonly now: Mono; readonly status: number; readonly text: Octets }
  | { readonly kind: 'tick'; readonly now: Mono }
  | { readonly kind: 'transport-error'; readonly now: Mono };

export type ServerOutput =
  | { readonly kind: 'send'; readonly text: Octets }
  /** The TU is slow: the caller composes a 100 and gives it back as `respond`. */
  | { readonly kind: 'trying-due' }
  /** This ACK is the TU's: it acknowledges a 2xx. */
  | { readonly kind: 'ack' }
  | { readonly kind: 'failed'; readonly reason: FailureReason };

/** The next state and what to do. */
export type ClientStep<S> = readonly [S, readonly ClientOutput[]];
export type ServerStep<S> = readonly [S, readonly ServerOutput[]];

export const send = (text: Octets): { readonly kind: 'send'; readonly text: Octets } => ({ kind: 'send', text });
export const PASS_UP: ClientOutput = { kind: 'response' };
export const CANCEL: ClientOutput = { kind: 'cancel' };
export const TRYING_DUE: ServerOutput = { kind: 'trying-due' };
export const PASS_ACK: ServerOutput = { kind: 'ack' };
export const TIMED_OUT = { kind: 'failed', reason: 'timeout' } as const;
export const UNREACHABLE = { kind: 'failed', reason: 'transport' } as const;
export const NOTHING: readonly never[] = [];

/** The earlier of two deadlines, either of which may be absent. */
export function earlier(a: Mono | undefined, b: Mono | undefined): Mono | undefined {
  if (a === undefined) return b;
  return b === undefined || a < b ? a : b;
}
