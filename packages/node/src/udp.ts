import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  BindError,
  type Datagram,
  formatSocketAddress,
  type Octets,
  SendError,
  type SocketAddress,
  type Turn,
  type UdpCounters,
  type UdpSendErrorHandler,
  type UdpSet,
} from '@strowger/proto';
import { toBuffer } from './bytes.ts';
import { createTurn } from './turn.ts';

export interface UdpSetOptions {
  /** Asked of the kernel for each socket; `receiveBufferSize` tells what it gave. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** Datagrams that may wait for a socket, in the set. More are refused with `SEND_QUEUE_FULL`. Default 16,384. */
  readonly maxQueued?: number;
  /** Shared with the stream sets of the host, so that all leave together. */
  readonly turn?: Turn;
}

/** The set on Node's own sockets, with what only the real one can tell. */
export interface NodeUdpSet extends UdpSet {
  /** What the kernel gave, in bytes as it counts them (Linux doubles the figure it was asked for). */
  receiveBufferSize(socket: number): number;
}

interface Outgoing {
  readonly socket: number;
  readonly payload: Uint8Array | Octets;
  readonly to: SocketAddress;
  readonly context: unknown;
}

interface Bound {
  readonly handle: Socket;
  readonly local: SocketAddress;
}

/** UDP on `node:dgram`, IPv4 and IPv6 (each socket speaks one family). */
export function createUdpSet(options: UdpSetOptions = {}): NodeUdpSet {
  return new DgramSet(options);
}

class DgramSet implements NodeUdpSet {
  readonly #options: UdpSetOptions;
  readonly #maxQueued: number;
  readonly #turn: Turn;
  readonly #sockets = new Map<number, Bound>();
  #nextSocket = 1;
  #handler: (batch: readonly Datagram[]) => void = () => {};
  #errorHandler: UdpSendErrorHandler = () => {};
  #batch: Datagram[] = [];
  #queue: Outgoing[] = [];
  /** Given to the kernel's queue, or libuv's, and not yet reported on. */
  #inFlight = 0;
  readonly #counts = {
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    sendErrors: 0,
    receiveErrors: 0,
    dropped: 0,
  };

  constructor(options: UdpSetOptions) {
    this.#options = options;
    this.#maxQueued = options.maxQueued ?? 16_384;
    this.#turn = options.turn ?? createTurn();
    this.#turn.add(() => this.#flush());
  }

  onBatch(handler: (batch: readonly Datagram[]) => void): void {
    this.#handler = handler;
  }

  onSendError(handler: UdpSendErrorHandler): void {
    this.#errorHandler = handler;
  }

  async bind(local: SocketAddress): Promise<number> {
    const handle = await openSocket(local);
    const number = this.#nextSocket;
    this.#nextSocket += 1;
    const { address, port } = handle.address();
    this.#sockets.set(number, { handle, local: { address, port } });
    setBuffers(handle, this.#options);

    handle.on('message', (bytes, remote) => {
      this.#counts.received += 1;
      this.#counts.receivedBytes += bytes.length;
      if (this.#batch.length === 0) setImmediate(this.#deliver);
      this.#batch.push({ socket: number, bytes, address: withoutZone(remote.address), port: remote.port });
    });
    // An ICMP error of an earlier send, for the most part. The socket lives on.
    handle.on('error', () => {
      this.#counts.receiveErrors += 1;
    });
    return number;
  }

  local(socket: number): SocketAddress {
    return this.#bound(socket).local;
  }

  receiveBufferSize(socket: number): number {
    return this.#bound(socket).handle.getRecvBufferSize();
  }

  send(socket: number, payload: Uint8Array | Octets, to: SocketAddress, context?: unknown): void {
    // Bytes may lie in memory that the caller uses again once this returns; text cannot change.
    const kept = typeof payload === 'string' ? payload : payload.slice();
    this.#queue.push({ socket, payload: kept, to, context });
    this.#turn.request();
  }

  close(socket: number): void {
    const bound = this.#sockets.get(socket);
    if (!bound) return;
    this.#flush();
    this.#sockets.delete(socket);
    bound.handle.close();
  }

  async closeAll(): Promise<void> {
    const closed = [...this.#sockets].map(
      ([socket, { handle }]) =>
        new Promise<void>((resolve) => {
          handle.once('close', resolve);
          this.close(socket);
        }),
    );
    await Promise.all(closed);
  }

  counters(): UdpCounters {
    return { ...this.#counts, queued: this.#queue.length + this.#inFlight };
  }

  /** The poll phase is over: all that was ready is in the batch. */
  readonly #deliver = (): void => {
    const batch = this.#batch;
    this.#batch = [];
    // A socket that was closed meanwhile has nobody to answer for it.
    const live = batch.every((d) => this.#sockets.has(d.socket))
      ? batch
      : batch.filter((d) => this.#sockets.has(d.socket));
    if (live.length > 0) this.#handler(live);
  };

  #flush(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    this.#queue = [];
    for (const outgoing of queue) this.#hand(outgoing);
  }

  /** libuv keeps what the kernel does not take at once (EAGAIN, ENOBUFS) and retries it in order; its queue is bounded here. */
  #hand(outgoing: Outgoing): void {
    const { socket, to } = outgoing;
    const bound = this.#sockets.get(socket);
    if (!bound) {
      this.#refused(outgoing, new SendError('SEND_CLOSED', `UDP socket ${socket} is closed`));
      return;
    }
    if (this.#inFlight >= this.#maxQueued) {
      this.#counts.dropped += 1;
      this.#refused(outgoing, new SendError('SEND_QUEUE_FULL', `${this.#inFlight} datagrams wait to be sent`));
      return;
    }
    this.#inFlight += 1;
    const bytes = toBuffer(outgoing.payload);
    try {
      bound.handle.send(bytes, to.port, to.address, (error) => {
        this.#inFlight -= 1;
        if (error) {
          this.#refused(outgoing, error);
          return;
        }
        this.#counts.sent += 1;
        this.#counts.sentBytes += bytes.length;
      });
    } catch (error) {
      // dgram throws for a port of 0 or above 65535, which a peer may well have put into a Via.
      this.#inFlight -= 1;
      this.#refused(outgoing, error as Error);
    }
  }

  #refused({ socket, to, context }: Outgoing, error: Error): void {
    this.#counts.sendErrors += 1;
    this.#errorHandler(socket, to, error, context);
  }

  #bound(socket: number): Bound {
    const bound = this.#sockets.get(socket);
    if (!bound) throw new RangeError(`no UDP socket ${socket}`);
    return bound;
  }
}

function openSocket(local: SocketAddress): Promise<Socket> {
  const type = isIPv6(local.address) ? 'udp6' : 'udp4';
  const handle = createSocket({
    type,
    ipv6Only: type === 'udp6',
    // Addresses only: a name would be looked up for every datagram. What is not an address fails in the kernel.
    lookup: (address, _options, done) => done(null, address, type === 'udp6' ? 6 : 4),
  });
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => {
      handle.close();
      reject(new BindError('udp', formatSocketAddress(local), cause));
    };
    handle.once('error', refuse);
    handle.bind({ ...local, exclusive: true }, () => {
      handle.off('error', refuse);
      resolve(handle);
    });
  });
}

function setBuffers(handle: Socket, { receiveBufferBytes, sendBufferBytes }: UdpSetOptions): void {
  // The kernel cuts a size down to its limit (net.core.rmem_max) without an error.
  if (receiveBufferBytes !== undefined) handle.setRecvBufferSize(receiveBufferBytes);
  if (sendBufferBytes !== undefined) handle.setSendBufferSize(sendBufferBytes);
}

/** `fe80::1%eth0`: a zone is this machine's affair and has no place in a Via. */
function withoutZone(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}
