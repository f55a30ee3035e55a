/**
 * One connection of a stream transport: bytes in, whole messages out; and the bounds that keep a stranger from holding
 * it for nothing.
 *
 *   connecting ──▶ open ──▶ closing ──▶ closed
 *        └──────────┴──── error ─────────▲
 */
import type { Socket } from 'node:net';
import {
  type Clock,
  type CloseReason,
  CRLF,
  type Flow,
  later,
  type Mono,
  type Octets,
  SendError,
  type SocketAddress,
  Timed,
  type TransportName,
} from '@strowger/proto';
import { StreamFramer } from '@strowger/sip/message';
import { toOctets } from './bytes.ts';

export interface ConnectionLimits {
  /** From dialling to connected. */
  readonly connectMs: number;
  /** From accepting to the first whole message. */
  readonly firstMessageMs: number;
  /** From the first octet of a message to its last. */
  readonly messageMs: number;
  /** Without a message or keep-alive, either way. */
  readonly idleMs: number;
  /** From our close to the peer's. */
  readonly closeMs: number;
  /** Octets that may wait for the peer to read. */
  readonly maxOutbound: number;
  /** Of one message that comes in. */
  readonly maxHead: number;
  readonly maxBody: number;
  /** Octets that all connections of the set may hold together, both ways; beyond it each may hold `crowdedShare`. */
  readonly maxBuffered: number;
  readonly crowdedShare: number;
}

/** What a connection tells the set that it belongs to. */
export interface ConnectionOwner {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  /** Whether the connections hold more than they may together. */
  readonly crowded: boolean;
  /** The connection holds so many octets more, or less. */
  holds(octets: number): void;
  /** The connection's next deadline came nearer than what it is armed for. */
  arm(connection: Connection, at: Mono): void;
  opened(connection: Connection): void;
  message(connection: Connection, text: Octets): void;
  pinged(): void;
  /** Octets wait: call `flush` at the end of the turn. */
  wantsFlush(connection: Connection): void;
  /** Handed to the connection: it is `open` now. */
  handed(flow: Flow, contexts: readonly unknown[]): void;
  sent(messages: number): void;
  failed(connection: Connection, error: Error, contexts: readonly unknown[]): void;
  /** The last word of it. Without a `flow` the connection never came about. */
  gone(connection: Connection, reason: CloseReason): void;
}

interface Outgoing {
  readonly text: Octets;
  readonly context: unknown;
}

/** Keep-alives have no sender to tell. */
const NOBODY = Symbol('nobody');

export class Connection extends Timed {
  readonly number: number;
  readonly remote: SocketAddress;
  readonly accepted: boolean;
  readonly #transport: TransportName;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #framer: StreamFramer;
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  #flow: Flow | undefined;
  #queue: Outgoing[] = [];
  /** Octets that the peer has not taken from us. */
  #outbound = 0;
  #since: Mono;
  #active: Mono;
  #heard = false;
  /** When the message that is unfinished now began. */
  #begun: Mono | undefined;
  #reason: CloseReason = 'peer';
  #error: Error | undefined;

  constructor(
    owner: ConnectionOwner,
    o: { number: number; transport: TransportName; socket: Socket; remote: SocketAddress; accepted: boolean },
  ) {
    super();
    this.#owner = owner;
    this.#framer = new StreamFramer(owner.limits);
    this.number = o.number;
    this.remote = o.remote;
    this.accepted = o.accepted;
    this.#transport = o.transport;
    this.#socket = o.socket;
    this.#since = owner.clock.now();
    this.#active = this.#since;
    o.socket.setNoDelay(true);
    o.socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    o.socket.on('error', (error) => {
      this.#error = error;
      if (this.#state !== 'closing') this.#reason = 'error';
    });
    o.socket.on('close', () => this.#closed());
  }

  /** Plain data, the same object for every message of the connection; there once it has been open. */
  get flow(): Flow | undefined {
    return this.#flow;
  }

  /** Whether messages may still be given to it. */
  get usable(): boolean {
    return this.#state === 'connecting' || this.#state === 'open';
  }

  /** The transport is ready (for TLS: after its handshake). */
  open(): void {
    if (this.#state !== 'connecting') return;
    const { localAddress = '', localPort = 0 } = this.#socket;
    this.#state = 'open';
    this.#since = this.#owner.clock.now();
    this.#active = this.#since;
    this.#flow = {
      transport: this.#transport,
      local: { address: localAddress, port: localPort },
      remote: this.remote,
      connection: this.number,
    };
    this.arm();
    this.#owner.opened(this);
    if (this.#queue.length > 0) this.#owner.wantsFlush(this);
  }

  send(text: Octets, context: unknown): void {
    this.#queue.push({ text, context });
    this.#outbound += text.length;
    this.#owner.holds(text.length);
    this.#owner.wantsFlush(this);
  }

  /** Writes all that waits in one piece; while connecting it goes on waiting, within its bound. */
  flush(): void {
    if (this.#state === 'closed' || this.#queue.length === 0) return;
    const { limits, crowded } = this.#owner;
    if (this.#outbound > (crowded ? limits.crowdedShare : limits.maxOutbound)) {
      this.#error = new SendError('SEND_QUEUE_FULL', `${this.#outbound} octets wait for a peer that does not read`);
      this.destroy('congested');
      return;
    }
    if (this.#state === 'connecting') return;
    const queue = this.#queue;
    this.#queue = [];
    let text = '';
    for (const outgoing of queue) text += outgoing.text;
    const contexts = contextsOf(queue);
    this.#active = this.#owner.clock.now();
    if (this.#flow && contexts.length > 0) this.#owner.handed(this.#flow, contexts);
    this.#socket.write(text, 'latin1', (error) => {
      this.#outbound -= text.length;
      this.#owner.holds(-text.length);
      if (error) this.#owner.failed(this, this.#error ?? error, contexts);
      else this.#owner.sent(contexts.length);
    });
  }

  /** In good order: what waits leaves first. */
  close(): void {
    if (this.#state === 'connecting') this.destroy('local');
    if (this.#state !== 'open') return;
    this.flush();
    this.#state = 'closing';
    this.#reason = 'local';
    this.#since = this.#owner.clock.now();
    this.arm();
    this.#socket.end();
  }

  destroy(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'closing') this.#reason = reason;
    this.#socket.destroy();
  }

  /** Which bound was broken, if one was; else the next one is armed. */
  override onDue(now: Mono): void {
    for (const [at, reason] of this.#deadlines()) {
      if (at > now) continue;
      if (reason === 'error') this.#error = new SendError('SEND_CONNECT_TIMEOUT', 'no connection in time');
      this.destroy(reason);
      return;
    }
    this.arm();
  }

  #deadlines(): readonly (readonly [Mono, CloseReason])[] {
    const { limits } = this.#owner;
    if (this.#state === 'connecting') return [[later(this.#since, limits.connectMs), 'error']];
    if (this.#state === 'closing') return [[later(this.#since, limits.closeMs), 'local']];
    const deadlines: (readonly [Mono, CloseReason])[] = [];
    if (this.accepted && !this.#heard) deadlines.push([later(this.#since, limits.firstMessageMs), 'silent']);
    if (this.#begun !== undefined) deadlines.push([later(this.#begun, limits.messageMs), 'slow']);
    deadlines.push([later(this.#active, limits.idleMs), 'idle']);
    return deadlines;
  }

  /** An armed deadline that has moved away only looks and arms again: traffic moves the idle one all the time. */
  arm(): void {
    if (this.#state === 'closed') return;
    let first: Mono | undefined;
    for (const [at] of this.#deadlines()) if (first === undefined || at < first) first = at;
    if (first !== undefined && (!this.isSet || first < this.due)) this.#owner.arm(this, first);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#active = this.#owner.clock.now();
    const before = this.#framer.pending;
    const frames = this.#framer.push(toOctets(bytes));
    this.#owner.holds(this.#framer.pending - before);
    for (const frame of frames) {
      switch (frame.kind) {
        case 'message':
          this.#heard = true;
          this.#owner.message(this, frame.text);
          break;
        case 'ping':
          this.#owner.pinged();
          // RFC 5626 §3.5.1: a double CRLF is answered with a single one.
          this.send(CRLF, NOBODY);
          break;
        case 'pong':
          break;
        case 'broken':
          this.destroy('broken');
          return;
      }
      // The handler may have closed us.
      if (!this.usable) return;
    }
    if (this.#owner.crowded && this.#framer.pending > this.#owner.limits.crowdedShare) this.destroy('crowded');
    if (this.#framer.pending === 0) this.#begun = undefined;
    else if (this.#begun === undefined || frames.length > 0) {
      this.#begun = this.#active;
      this.arm();
    }
  }

  #closed(): void {
    this.#state = 'closed';
    const queue = this.#queue;
    this.#queue = [];
    let waited = this.#framer.pending;
    for (const { text } of queue) waited += text.length;
    this.#owner.holds(-waited);
    const contexts = contextsOf(queue);
    const why = this.#flow
      ? (this.#error ?? new SendError('SEND_CLOSED', `the connection was closed (${this.#reason})`))
      : asConnectError(this.#error, this.#reason);
    if (contexts.length > 0) this.#owner.failed(this, why, contexts);
    this.#owner.gone(this, this.#reason);
  }
}

/** Of those messages that somebody wants to hear about. */
function contextsOf(queue: readonly Outgoing[]): readonly unknown[] {
  return queue.map((o) => o.context).filter((context) => context !== NOBODY);
}

function asConnectError(error: Error | undefined, reason: CloseReason): SendError {
  if (error instanceof SendError) return error;
  return new SendError('SEND_CONNECT', `no connection: ${error?.message ?? reason}`, { cause: error });
}
