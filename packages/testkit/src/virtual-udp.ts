import {
  type Datagram,
  fromBytes,
  isIpv6,
  type Octets,
  SendError,
  type SocketAddress,
  toBytes,
  type UdpCounters,
  type UdpSendErrorHandler,
  type UdpSet,
} from '@strowger/proto';
import type { Ports, VirtualHost } from './virtual-host.ts';

interface Outgoing {
  readonly socket: number;
  readonly text: Octets;
  readonly to: SocketAddress;
  readonly context: unknown;
}

/** Longest payload of a UDP datagram over IPv4. */
const MAX_DATAGRAM = 65_507;

/** The `UdpSet` of a virtual host. */
export class VirtualUdpSet implements UdpSet {
  readonly #host: VirtualHost;
  readonly #ports: Ports<{ readonly set: VirtualUdpSet; readonly socket: number }>;
  readonly #sockets = new Map<number, SocketAddress>();
  readonly #counts = {
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    sendErrors: 0,
    receiveErrors: 0,
    dropped: 0,
  };
  #nextSocket = 1;
  #dead = false;
  #batch: Datagram[] = [];
  #queue: Outgoing[] = [];
  #handler: (batch: readonly Datagram[]) => void = () => {};
  #errorHandler: UdpSendErrorHandler = () => {};

  constructor(host: VirtualHost, ports: Ports<{ readonly set: VirtualUdpSet; readonly socket: number }>) {
    this.#host = host;
    this.#ports = ports;
    host.turn.add(() => this.#flush());
  }

  onBatch(handler: (batch: readonly Datagram[]) => void): void {
    this.#handler = handler;
  }

  onSendError(handler: UdpSendErrorHandler): void {
    this.#errorHandler = handler;
  }

  async bind(local: SocketAddress): Promise<number> {
    const socket = this.#nextSocket;
    const bound = this.#host.claim('udp', this.#ports, local, () => ({ set: this, socket }));
    this.#nextSocket += 1;
    this.#sockets.set(socket, bound);
    return socket;
  }

  local(socket: number): SocketAddress {
    const local = this.#sockets.get(socket);
    if (!local) throw new RangeError(`no UDP socket ${socket}`);
    return local;
  }

  send(socket: number, payload: Uint8Array | Octets, to: SocketAddress, context?: unknown): void {
    const text = typeof payload === 'string' ? payload : fromBytes(payload);
    this.#queue.push({ socket, text, to: { address: to.address, port: to.port }, context });
    this.#host.turn.request();
  }

  close(socket: number): void {
    this.#flush();
    this.#sockets.delete(socket);
    for (const [key, bound] of this.#ports) {
      if (bound.set === this && bound.socket === socket) this.#ports.delete(key);
    }
  }

  async closeAll(): Promise<void> {
    for (const socket of [...this.#sockets.keys()]) this.close(socket);
  }

  counters(): UdpCounters {
    return { ...this.#counts, queued: this.#queue.length };
  }

  /** @internal */
  arrive(socket: number, from: SocketAddress, text: Octets): void {
    this.#counts.received += 1;
    this.#counts.receivedBytes += text.length;
    // All that arrives in one moment is one batch, as from a real set in one turn.
    if (this.#batch.length === 0) this.#host.network.clock.after(0, () => this.#deliver());
    this.#batch.push({ socket, bytes: toBytes(text), address: from.address, port: from.port });
  }

  /** @internal */
  die(): void {
    this.#dead = true;
    this.#queue = [];
    this.#batch = [];
    for (const socket of [...this.#sockets.keys()]) this.close(socket);
  }

  #deliver(): void {
    const batch = this.#batch.filter((d) => this.#sockets.has(d.socket));
    this.#batch = [];
    if (batch.length > 0 && !this.#dead) this.#handler(batch);
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const outgoing of queue) this.#hand(outgoing);
  }

  #hand({ socket, text, to, context }: Outgoing): void {
    const local = this.#sockets.get(socket);
    const error = local ? refusal(local, to, text) : new SendError('SEND_CLOSED', `UDP socket ${socket} is closed`);
    if (error || !local) {
      this.#counts.sendErrors += 1;
      if (error) this.#errorHandler(socket, to, error, context);
      return;
    }
    this.#counts.sent += 1;
    this.#counts.sentBytes += text.length;
    this.#host.network.carry(this.#host, this.#host.source(local, to), to, text);
  }
}

/** What a kernel would refuse to send. */
function refusal(local: SocketAddress, to: SocketAddress, text: Octets): Error | undefined {
  if (to.port < 1 || to.port > 65_535) return coded('ERR_SOCKET_BAD_PORT');
  if (isIpv6(local.address) !== isIpv6(to.address) || !/^[\d.]+$|:/.test(to.address)) return coded('EINVAL');
  return text.length > MAX_DATAGRAM ? coded('EMSGSIZE') : undefined;
}

const coded = (code: string): Error => Object.assign(new Error(code), { code });
