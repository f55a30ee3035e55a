/**
 * A leg: one side of a call, of whatever kind. It knows no feature and no other leg. Commands go in, events come out;
 * what couples two of them is `coupling.ts`.
 */
import type { Octets } from '@strowger/proto';
import type { Reason } from '../../kernel/reason.ts';

/** A body and its Content-Type. */
export interface Body {
  readonly type: Octets;
  readonly text: Octets;
}

/** The leg's own name of a request of its peer that waits for an answer. */
export type RequestKey = string | number;

export type LegCommand =
  /** Of a caller: what it hears meanwhile. */
  | { readonly kind: 'progress'; readonly status: number; readonly body?: Body }
  /** Takes the call, or the peer's offer. */
  | { readonly kind: 'answer'; readonly body?: Body }
  | { readonly kind: 'reject'; readonly status: number; readonly why: Reason; readonly retryAfter?: number }
  /** Our offer, or a request for theirs. */
  | { readonly kind: 'offer'; readonly body?: Body }
  | { readonly kind: 'withdraw' }
  /** Ends an exchange of ours that the peer answered. */
  | { readonly kind: 'acknowledge'; readonly body?: Body }
  | {
      readonly kind: 'send';
      readonly method: Octets;
      readonly context: RequestKey;
      readonly body?: Body;
      readonly info?: Octets;
    }
  | { readonly kind: 'respond'; readonly key: RequestKey; readonly status: number }
  | { readonly kind: 'hang-up'; readonly why: Reason; readonly status?: number };

export type LegEvent =
  | { readonly kind: 'progress'; readonly status: number; readonly body?: Body }
  | { readonly kind: 'answered'; readonly body?: Body }
  | { readonly kind: 'acknowledged'; readonly body?: Body; readonly first: boolean }
  | { readonly kind: 'offer'; readonly body?: Body }
  | { readonly kind: 'offer-withdrawn' }
  | { readonly kind: 'offer-answered'; readonly body?: Body }
  | { readonly kind: 'offer-failed'; readonly status: number }
  | {
      readonly kind: 'request';
      readonly key: RequestKey;
      readonly method: Octets;
      readonly body?: Body;
      readonly info?: Octets;
    }
  | { readonly kind: 'reply'; readonly context: RequestKey; readonly status: number }
  | LegEnded;

export interface LegEnded {
  readonly kind: 'ended';
  readonly by: 'local' | 'remote' | 'network';
  /** `rejected`, `cancelled`, `hung-up`, `no-answer`, `no-ack`, `lost`, `timeout`, `transport`, … */
  readonly cause: string;
  readonly status?: number;
  readonly retryAfter?: number;
}

export interface Leg {
  readonly id: string;
  readonly kind: 'sip' | 'application' | 'room' | 'stream';
  command(command: LegCommand): void;
}

export interface LegListener {
  onLegEvent(leg: string, event: LegEvent): void;
}
