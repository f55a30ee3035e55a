/** UDP as a host gives it: a set of sockets, one callback a turn for all that is ready. Real in `@strowger/node`, virtual in the testkit. */
import type { SocketAddress } from './address.ts';
import type { Octets } from './octets.ts';

export interface Datagram {
  /** The number `bind` gave. */
  readonly socket: number;
  /** Valid during the callback only: a host may read the next datagrams into the same memory. */
  readonly bytes: Uint8Array;
  readonly address: string;
  readonly port: number;
}

export interface UdpCounters {
  readonly received: number;
  readonly receivedBytes: number;
  readonly sent: number;
  readonly sentBytes: number;
  /** Sends that the system refused; each was reported to `onSendError`. */
  readonly sendErrors: number;
  /** Errors of a socket that belong to no send of ours. */
  readonly receiveErrors: number;
  /** Sends refused because the queue was full; each was reported to `onSendError`. */
  readonly dropped: number;
  /** Datagrams that wait to leave, now. */
  readonly queued: number;
}

/** `context` is whatever was given to `send`, so that the sender knows which of its packets this was. */
export type UdpSendErrorHandler = (socket: number, to: SocketAddress, error: Error, context: unknown) => void;

export interface UdpSet {
  /** One callback per turn for all that is ready. */
  onBatch(handler: (batch: readonly Datagram[]) => void): void;
  /** A socket number, never used twice; port 0 takes a free one. Rejects with the system's `code` (`EADDRINUSE` …). */
  bind(local: SocketAddress): Promise<number>;
  local(socket: number): SocketAddress;
  /** Queued; leaves after the microtasks of the running callback, in order. Never throws: failures come to `onSendError`. */
  send(socket: number, payload: Uint8Array | Octets, to: SocketAddress, context?: unknown): void;
  onSendError(handler: UdpSendErrorHandler): void;
  close(socket: number): void;
  closeAll(): Promise<void>;
  counters(): UdpCounters;
}
