import { isIP, type Server, type Socket } from 'node:net';
import {
  BindError,
  type Clock,
  type CloseReason,
  type Destination,
  type Flow,
  formatSocketAddress,
  type Mono,
  type Octets,
  SendError,
  type SocketAddress,
  type StreamCounters,
  type StreamSendErrorHandler,
  type StreamSet,
  type Ticker,
  TimerWheel,
  type TransportName,
  type Turn,
} from '@strowger/proto';
import { Admission } from './admission.ts';
import { systemClock } from './clock.ts';
import { Connection, type ConnectionLimits, type ConnectionOwner } from './connection.ts';
import { createTicker } from './ticker.ts';
import { createTurn } from './turn.ts';

export interface StreamOptions extends Partial<ConnectionLimits> {
  /** All connections of the set, both ways. Default 10,000. */
  readonly maxConnections?: number;
  /** Accepted from one IPv4 address or one IPv6 /64. Default 500: an office behind NAT is one address. */
  readonly maxPerAddress?: number;
  /** The address to dial from, on a machine that has several. */
  readonly dialFrom?: (remote: SocketAddress) => string | undefined;
  /** Shared with the other sets of the host, so that all leave together. */
  readonly turn?: Turn;
}

/** What one stream transport is made of; the set does the rest. */
export interface StreamKind {
  readonly transport: TransportName;
  createServer(accept: (socket: Socket) => void): Server;
  dial(remote: SocketAddress, from: string | undefined): Socket;
  /** The event of a dialled socket that says it can carry messages. */
  readonly ready: 'connect' | 'secureConnect';
}

const LIMITS: ConnectionLimits = {
  connectMs: 5000,
  firstMessageMs: 10_000,
  messageMs: 10_000,
  // RFC 5626 §4.4.1 has clients ping within 120 s; phones that do not register at least this often.
  idleMs: 3_700_000,
  closeMs: 2000,
  maxOutbound: 1 << 20,
  maxHead: 1 << 16,
  maxBody: 1 << 20,
  maxBuffered: 1 << 26,
  crowdedShare: 1 << 15,
};

/** What the set puts beside each message: where it was to go, and the sender's own word for it. */
interface Sent {
  readonly to: Destination;
  readonly context: unknown;
}

interface Failure extends Sent {
  readonly error: Error;
}

/** The listeners and connections of one stream transport. */
export class StreamSockets implements StreamSet, ConnectionOwner {
  readonly transport: TransportName;
  readonly clock: Clock = systemClock;
  readonly limits: ConnectionLimits;
  readonly #kind: StreamKind;
  readonly #options: StreamOptions;
  readonly #turn: Turn;
  readonly #wheel = new TimerWheel(systemClock.now());
  readonly #ticker: Ticker = createTicker(this.#wheel, systemClock, { keepAlive: false });
  readonly #listeners = new Map<number, { readonly server: Server; readonly local: SocketAddress }>();
  readonly #connections = new Map<number, Connection>();
  /** RFC 3261 §18: connections are found by the far end's address and port, whoever opened them. */
  readonly #byRemote = new Map<string, Connection>();
  readonly #admission: Admission;
  readonly #waiting = new Set<Connection>();
  #failures: Failure[] = [];
  #held = 0;
  #nextListener = 1;
  #nextConnection = 1;
  #whenEmpty: (() => void) | undefined;
  #onMessage: (flow: Flow, text: Octets) => void = () => {};
  #onClosed: (flow: Flow, reason: CloseReason) => void = () => {};
  #onSent: (flow: Flow, context: unknown) => void = () => {};
  #onSendError: StreamSendErrorHandler = () => {};
  readonly #counts = {
    accepted: 0,
    connected: 0,
    connectErrors: 0,
    refused: 0,
    received: 0,
    sent: 0,
    sendErrors: 0,
    pings: 0,
  };
  readonly #closed: Record<CloseReason, number> = {
    local: 0,
    peer: 0,
    error: 0,
    idle: 0,
    silent: 0,
    slow: 0,
    broken: 0,
    congested: 0,
    crowded: 0,
  };

  constructor(kind: StreamKind, options: StreamOptions) {
    this.#kind = kind;
    this.transport = kind.transport;
    this.#options = options;
    this.limits = { ...LIMITS, ...options };
    this.#admission = new Admission(options.maxConnections ?? 10_000, options.maxPerAddress ?? 500);
    this.#turn = options.turn ?? createTurn();
    this.#turn.add(() => this.#flush());
  }

  onMessage(handler: (flow: Flow, text: Octets) => void): void {
    this.#onMessage = handler;
  }

  onClosed(handler: (flow: Flow, reason: CloseReason) => void): void {
    this.#onClosed = handler;
  }

  onSent(handler: (flow: Flow, context: unknown) => void): void {
    this.#onSent = handler;
  }

  onSendError(handler: StreamSendErrorHandler): void {
    this.#onSendError = handler;
  }

  async listen(local: SocketAddress): Promise<number> {
    const server = this.#kind.createServer((socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new BindError(this.transport, formatSocketAddress(local), cause)));
      server.listen({ host: local.address, port: local.port, ipv6Only: true, exclusive: true }, resolve);
    });
    // From now on an error is a failed accept (EMFILE): the peer tries again, we go on.
    server.removeAllListeners('error').on('error', () => {
      this.#counts.refused += 1;
    });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : local.port;
    const number = this.#nextListener;
    this.#nextListener += 1;
    this.#listeners.set(number, { server, local: { address: local.address, port } });
    return number;
  }

  local(listener: number): SocketAddress {
    const found = this.#listeners.get(listener);
    if (!found) throw new RangeError(`no ${this.transport} listener ${listener}`);
    return found.local;
  }

  unlisten(listener: number): void {
    this.#listeners.get(listener)?.server.close();
    this.#listeners.delete(listener);
  }

  send(text: Octets, to: Destination, context?: unknown): Flow | undefined {
    const connection = to.kind === 'flow' ? this.#live(to.flow.connection) : this.#reach(to.remote);
    if (connection instanceof SendError) {
      this.#fail(to, connection, context);
      return undefined;
    }
    connection.send(text, { to, context });
    return connection.flow;
  }

  isLive(connection: number): boolean {
    return this.#connections.get(connection)?.usable ?? false;
  }

  close(connection: number): void {
    this.#connections.get(connection)?.close();
  }

  async closeAll(): Promise<void> {
    for (const listener of [...this.#listeners.keys()]) this.unlisten(listener);
    for (const connection of [...this.#connections.values()]) connection.close();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
    this.#ticker.stop();
  }

  counters(): StreamCounters {
    return { ...this.#counts, connections: this.#connections.size, buffered: this.#held, closed: { ...this.#closed } };
  }

  #live(number: number | undefined): Connection | SendError {
    const connection = number === undefined ? undefined : this.#connections.get(number);
    return connection?.usable ? connection : new SendError('SEND_CLOSED', `connection ${number} is closed`);
  }

  #reach(remote: SocketAddress): Connection | SendError {
    const known = this.#byRemote.get(formatSocketAddress(remote));
    if (known?.usable) return known;
    if (isIP(remote.address) === 0) return new SendError('SEND_CONNECT', 'the destination is not an IP address');
    if (!this.#admission.hasRoom(this.#connections.size))
      return new SendError('SEND_LIMIT', `${this.#connections.size} connections are open`);
    try {
      const socket = this.#kind.dial(remote, this.#options.dialFrom?.(remote));
      const connection = this.#adopt(socket, remote, false);
      socket.once(this.#kind.ready, () => connection.open());
      return connection;
    } catch (cause) {
      // A port of 0 or above 65535, which a peer may well have put into a Contact.
      return new SendError('SEND_CONNECT', `cannot connect: ${(cause as Error).message}`, { cause });
    }
  }

  #accept(socket: Socket): void {
    const { remoteAddress: address, remotePort: port } = socket;
    // A peer that is gone already has no address.
    if (address === undefined || port === undefined) {
      socket.destroy();
      return;
    }
    if (!this.#admission.enter(address, this.#connections.size)) {
      this.#counts.refused += 1;
      socket.destroy();
      return;
    }
    this.#adopt(socket, { address, port }, true).open();
  }

  #adopt(socket: Socket, remote: SocketAddress, accepted: boolean): Connection {
    const number = this.#nextConnection;
    this.#nextConnection += 1;
    const connection = new Connection(this, { number, transport: this.transport, socket, remote, accepted });
    this.#connections.set(number, connection);
    this.#byRemote.set(formatSocketAddress(remote), connection);
    connection.arm();
    return connection;
  }

  arm(connection: Connection, at: Mono): void {
    this.#wheel.set(connection, at);
    this.#ticker.poke();
  }

  get crowded(): boolean {
    return this.#held > this.limits.maxBuffered;
  }

  holds(octets: number): void {
    this.#held += octets;
  }

  opened(connection: Connection): void {
    if (connection.accepted) this.#counts.accepted += 1;
    else this.#counts.connected += 1;
  }

  message(connection: Connection, text: Octets): void {
    this.#counts.received += 1;
    if (connection.flow) this.#onMessage(connection.flow, text);
  }

  pinged(): void {
    this.#counts.pings += 1;
  }

  wantsFlush(connection: Connection): void {
    this.#waiting.add(connection);
    this.#turn.request();
  }

  handed(flow: Flow, contexts: readonly unknown[]): void {
    for (const sent of contexts as readonly Sent[]) this.#onSent(flow, sent.context);
  }

  sent(messages: number): void {
    this.#counts.sent += messages;
  }

  failed(_connection: Connection, error: Error, contexts: readonly unknown[]): void {
    for (const sent of contexts as readonly Sent[]) this.#fail(sent.to, error, sent.context);
  }

  gone(connection: Connection, reason: CloseReason): void {
    this.#wheel.stop(connection);
    this.#waiting.delete(connection);
    this.#connections.delete(connection.number);
    const key = formatSocketAddress(connection.remote);
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
    if (connection.accepted) this.#admission.leave(connection.remote.address);
    if (connection.flow) {
      this.#closed[reason] += 1;
      this.#onClosed(connection.flow, reason);
    } else {
      this.#counts.connectErrors += 1;
    }
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  /** Told at the end of the turn: a sender is never called back from within `send`. */
  #fail(to: Destination, error: Error, context: unknown): void {
    this.#failures.push({ to, error, context });
    this.#turn.request();
  }

  #flush(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const connection of waiting) connection.flush();
    const failures = this.#failures;
    this.#failures = [];
    this.#counts.sendErrors += failures.length;
    for (const { to, error, context } of failures) this.#onSendError(to, error, context);
  }
}
