/** The host's sockets as the kernel speaks of them: one way in, one way out, whatever the transport. */
import {
  type Destination,
  type Flow,
  formatSocketAddress,
  isReliable,
  type Octets,
  type SocketAddress,
  type StreamSet,
  type TransportName,
  type UdpSet,
} from '@strowger/proto';
import type { Listening, Transports } from './host.ts';

export interface TransportParts {
  readonly udp: UdpSet;
  readonly streams: readonly StreamSet[];
  /** Bytes to octets, as fast as the host can. */
  readonly toOctets: (bytes: Uint8Array) => Octets;
}

export class HostTransports implements Transports {
  readonly #parts: TransportParts;
  readonly #listening: Listening[] = [];
  /** UDP sockets by what they are bound to, and back. */
  readonly #sockets = new Map<string, number>();
  readonly #locals = new Map<number, SocketAddress>();
  readonly #streams: ReadonlyMap<TransportName, StreamSet>;
  #sendFailed: (ticket: unknown) => void = () => {};

  constructor(parts: TransportParts) {
    this.#parts = parts;
    this.#streams = new Map(parts.streams.map((set) => [set.transport, set]));
    parts.udp.onSendError((_socket, _to, _error, context) => this.#sendFailed(context));
    for (const set of parts.streams) set.onSendError((_to, _error, context) => this.#sendFailed(context));
  }

  get listening(): readonly Listening[] {
    return this.#listening;
  }

  /** Rejects with the system's code (`EADDRINUSE` …). */
  async listen(transport: TransportName, at: SocketAddress): Promise<SocketAddress> {
    const address = transport === 'udp' ? await this.#bindUdp(at) : await this.#listenStream(transport, at);
    this.#listening.push({ transport, address });
    return address;
  }

  onMessage(handler: (text: Octets, flow: Flow) => void): void {
    this.#parts.udp.onBatch((batch) => {
      for (const { socket, bytes, address, port } of batch) {
        const local = this.#locals.get(socket);
        if (!local) continue;
        handler(this.#parts.toOctets(bytes), { transport: 'udp', local, remote: { address, port } });
      }
    });
    for (const set of this.#parts.streams) set.onMessage((flow, text) => handler(text, flow));
  }

  onClosed(handler: (connection: number) => void): void {
    for (const set of this.#parts.streams) {
      set.onClosed(({ connection }) => {
        if (connection !== undefined) handler(connection);
      });
    }
  }

  onSendFailed(handler: (ticket: unknown) => void): void {
    this.#sendFailed = handler;
  }

  onSent(handler: (ticket: unknown, connection: number) => void): void {
    for (const set of this.#parts.streams) {
      set.onSent(({ connection }, context) => {
        if (connection !== undefined) handler(context, connection);
      });
    }
  }

  send(text: Octets, to: Destination, local: Listening | undefined, ticket: unknown): Flow | undefined {
    const transport = to.kind === 'flow' ? to.flow.transport : to.transport;
    if (isReliable(transport)) {
      const set = this.#streams.get(transport);
      if (!set) this.#sendFailed(ticket);
      return set?.send(text, to, ticket);
    }
    const from = to.kind === 'flow' ? to.flow.local : local?.address;
    const socket = from === undefined ? undefined : this.#sockets.get(formatSocketAddress(from));
    if (socket === undefined || from === undefined) {
      this.#sendFailed(ticket);
      return undefined;
    }
    const remote = to.kind === 'flow' ? to.flow.remote : to.remote;
    this.#parts.udp.send(socket, text, remote, ticket);
    return to.kind === 'flow' ? to.flow : { transport: 'udp', local: from, remote };
  }

  isLive({ transport, connection }: Flow): boolean {
    return connection === undefined || this.#streams.get(transport)?.isLive(connection) === true;
  }

  async close(): Promise<void> {
    await Promise.all([this.#parts.udp.closeAll(), ...this.#parts.streams.map((set) => set.closeAll())]);
  }

  async #bindUdp(at: SocketAddress): Promise<SocketAddress> {
    const socket = await this.#parts.udp.bind(at);
    const local = this.#parts.udp.local(socket);
    this.#sockets.set(formatSocketAddress(local), socket);
    this.#locals.set(socket, local);
    return local;
  }

  async #listenStream(transport: TransportName, at: SocketAddress): Promise<SocketAddress> {
    const set = this.#streams.get(transport);
    if (!set) throw new Error(`this host has no ${transport}`);
    return set.local(await set.listen(at));
  }
}
