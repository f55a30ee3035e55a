/** Message streams as a host gives them: listeners and connections of one transport (TCP; TLS and WebSocket are alike). */
import type { Destination, Flow, SocketAddress, TransportName } from './address.ts';
import type { Octets } from './octets.ts';

export type CloseReason =
  /** We closed it. */
  | 'local'
  /** The peer closed it, in good order. */
  | 'peer'
  /** Reset, unreachable, timed out below us. */
  | 'error'
  /** Nothing but keep-alives, or nothing at all, for the idle time. */
  | 'idle'
  /** Connected, and no whole message in time. */
  | 'silent'
  /** A message that was begun and not finished in time. */
  | 'slow'
  /** What came cannot be cut into messages. */
  | 'broken'
  /** The peer does not read what we send. */
  | 'congested'
  /** All connections together hold too much, and this one more than its share. */
  | 'crowded';

export interface StreamCounters {
  readonly connections: number;
  /** Octets that connections hold now: unfinished messages, and what peers have not taken. */
  readonly buffered: number;
  readonly accepted: number;
  readonly connected: number;
  readonly connectErrors: number;
  /** Turned away at a limit on connections. */
  readonly refused: number;
  readonly received: number;
  readonly sent: number;
  readonly sendErrors: number;
  readonly pings: number;
  readonly closed: Readonly<Record<CloseReason, number>>;
}

/** `context` is whatever was given to `send`, so that the sender knows which of its messages this was. */
export type StreamSendErrorHandler = (to: Destination, error: Error, context: unknown) => void;

export interface StreamSet {
  readonly transport: TransportName;
  /** Each whole message, in order. Keep-alives are answered and not shown. */
  onMessage(handler: (flow: Flow, text: Octets) => void): void;
  onClosed(handler: (flow: Flow, reason: CloseReason) => void): void;
  /** A message was given to an open connection; before that, one that is being dialled has no flow. */
  onSent(handler: (flow: Flow, context: unknown) => void): void;
  onSendError(handler: StreamSendErrorHandler): void;
  /** A listener number, never used twice. Rejects with the system's `code` (`EADDRINUSE` …). */
  listen(local: SocketAddress): Promise<number>;
  local(listener: number): SocketAddress;
  /** Stops accepting there; connections that came by it live on. */
  unlisten(listener: number): void;
  /**
   * Queued; leaves after the microtasks of the running callback, in order. To a flow: over that connection or not at
   * all. To an address: over a connection to it if one lives (RFC 3261 §18.1.1), else over a new one.
   * The flow it will leave by, if that is known yet. Never throws: failures come to `onSendError`, later.
   */
  send(text: Octets, to: Destination, context?: unknown): Flow | undefined;
  /** Whether messages may still be sent over that connection. */
  isLive(connection: number): boolean;
  /** Closes in good order: what was sent leaves first. */
  close(connection: number): void;
  closeAll(): Promise<void>;
  counters(): StreamCounters;
}
