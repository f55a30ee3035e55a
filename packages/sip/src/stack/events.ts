/** What a `SipStack` says and is told. */
import type { Destination, Flow, Octets, Random, TimerWheel } from '@strowger/proto';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { ClientKey } from '../transaction/client-layer.ts';
import type { FailureReason } from '../transaction/machine.ts';
import type { ServerKey } from '../transaction/server-layer.ts';
import type { Timing } from '../transaction/timing.ts';
import type { Local } from '../transport/local.ts';

export interface StackOptions {
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly timing?: Timing;
  /** Which node this is; it stands in every branch. */
  readonly node?: number;
  /** Server transactions at most; a request beyond is answered 503 without state. */
  readonly maxTransactions?: number;
  /** Where we listen. May be replaced by another list, never changed in place. */
  locals: readonly Local[];
  /** Called at once and in order. May call the stack again; may throw, and then the call into the stack throws. */
  emit(event: StackEvent): void;
  send(packet: Packet): void;
}

export type StackEvent =
  /** A new server transaction; never an ACK or CANCEL. */
  | { readonly kind: 'request'; readonly key: ServerKey; readonly request: SipRequest; readonly flow: Flow }
  /** The INVITE of that key, still unanswered, is given up by its sender, who has been told 200. Answer it 487. */
  | { readonly kind: 'cancel'; readonly key: ServerKey; readonly request: SipRequest }
  /** An ACK for a 2xx. */
  | { readonly kind: 'ack'; readonly request: SipRequest; readonly flow: Flow }
  | { readonly kind: 'response'; readonly key: ClientKey; readonly owner: unknown; readonly response: SipResponse }
  | { readonly kind: 'failed'; readonly key: ClientKey; readonly owner: unknown; readonly reason: FailureReason }
  /** A response by our name that no transaction waits for: a late 2xx, for instance. */
  | { readonly kind: 'stray'; readonly response: SipResponse; readonly flow: Flow }
  /** The final response was not acknowledged, could not be sent, or was never given (RFC 4320). */
  | { readonly kind: 'server-failed'; readonly key: ServerKey; readonly reason: FailureReason }
  /** Not let in, for counters and trace; `code` says why, and whether it was answered, `status`. */
  | {
      readonly kind: 'discarded';
      readonly code: string;
      readonly flow: Flow;
      readonly text: Octets;
      readonly status?: number;
    };

export interface OutboundRequest {
  readonly method: Octets;
  /** Without a Via of ours. */
  readonly text: Octets;
  readonly target: Destination;
  /** A proxy's hash over what decides its routing; it stands in the branch (RFC 5393 §4.2). */
  readonly loop?: number;
}

/** Something to be put on the wire. A host that cannot calls `sendFailed` with it. */
export interface Packet {
  readonly text: Octets;
  readonly to: Destination;
  /** The listener to send from; absent when a flow says all. */
  readonly local?: Local;
  readonly transaction?: PacketTransaction;
  /** What to send instead if there is no connection to be had (RFC 3261 §18.1.1). The stack sees to it. */
  readonly fallback?: Packet;
}

export type PacketTransaction =
  | { readonly kind: 'client' | 'cancel'; readonly key: ClientKey }
  | { readonly kind: 'server'; readonly key: ServerKey };

export interface StackCounts {
  /** Alive now. */
  readonly client: number;
  readonly server: number;
  /** Since the start. */
  readonly overloaded: number;
  readonly refused: number;
  readonly discarded: number;
  readonly stray: number;
}

/** The way a transaction's texts go out. */
export interface Path {
  readonly to: Destination;
  readonly local: Local | undefined;
}
