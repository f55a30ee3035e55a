/** Somebody at an address, over UDP or TCP: sends what it likes and keeps what it is sent. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket as TcpSocket } from 'node:net';
import { type Received, read } from './message.ts';

/** Enough for any flood's answers that a test looks at. */
const KEPT = 5_000;

type Match = (message: Received) => boolean;

export abstract class Peer {
  abstract readonly transport: 'UDP' | 'TCP';
  readonly address: string;
  readonly server: number;
  readonly received: Received[] = [];
  /** All that came, kept or not. */
  count = 0;
  octets = 0;
  /** Asked first of each message; true when it has dealt with it. */
  onMessage: (message: Received) => boolean = () => false;
  readonly #waiting = new Set<() => void>();

  constructor(address: string, server: number) {
    this.address = address;
    this.server = server;
  }

  abstract readonly port: number;
  abstract send(text: string | Uint8Array): void;
  abstract close(): void;

  get sentBy(): string {
    return `${this.address}:${this.port}`;
  }

  protected take(text: string): void {
    this.count += 1;
    this.octets += text.length;
    const message = read(text);
    if (this.onMessage(message)) return;
    if (this.received.length < KEPT) this.received.push(message);
    for (const look of this.#waiting) look();
  }

  /** The first message that matches, taken out; rejects when none has come in time. */
  next(what: string, match: Match, ms = 3_000): Promise<Received> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const at = this.received.findIndex(match);
        const found = this.received[at];
        if (!found) return;
        this.received.splice(at, 1);
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const got = this.received.map(({ text }) => text.split('\r\n', 1)[0]).slice(-8);
        reject(new Error(`${this.address}: no ${what} in ${ms} ms; there are ${JSON.stringify(got)}`));
      }, ms);
      this.#waiting.add(look);
      look();
    });
  }

  final(callId: string, cseq: string, ms?: number): Promise<Received> {
    return this.next(
      `final response to ${cseq}`,
      (m) => m.status >= 200 && m.header('Call-ID') === callId && m.header('CSeq') === cseq,
      ms,
    );
  }

  request(method: string, ms?: number): Promise<Received> {
    return this.next(method, (m) => m.status === 0 && m.method === method, ms);
  }
}

export class UdpPeer extends Peer {
  readonly transport = 'UDP';
  readonly socket: UdpSocket;

  private constructor(socket: UdpSocket, address: string, server: number) {
    super(address, server);
    this.socket = socket;
    socket.on('message', (bytes) => this.take(bytes.toString('latin1')));
    socket.on('error', () => {});
  }

  static async at(address: string, server: number, port = 0): Promise<UdpPeer> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(port, address);
    await once(socket, 'listening');
    return new UdpPeer(socket, address, server);
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(text: string | Uint8Array): void {
    this.socket.send(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, this.server, '127.0.0.1');
  }

  close(): void {
    this.socket.close();
  }
}

export class TcpPeer extends Peer {
  readonly transport = 'TCP';
  readonly socket: TcpSocket;
  closed = false;
  readonly port: number;
  #pending = '';

  private constructor(socket: TcpSocket, address: string, server: number) {
    super(address, server);
    this.socket = socket;
    this.port = socket.localPort ?? 0;
    socket.on('data', (bytes: Buffer) => this.#cut(bytes.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async at(address: string, server: number): Promise<TcpPeer> {
    const socket = connect({ host: '127.0.0.1', port: server, localAddress: address });
    await once(socket, 'connect');
    socket.setNoDelay(true);
    return new TcpPeer(socket, address, server);
  }

  send(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Waits until the server has closed the connection. */
  async ended(ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!this.closed && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    return this.closed;
  }

  close(): void {
    this.socket.destroy();
  }

  #cut(text: string): void {
    this.#pending += text;
    for (;;) {
      this.#pending = this.#pending.replace(/^[\r\n]+/, '');
      const split = this.#pending.indexOf('\r\n\r\n');
      if (split < 0) return;
      const length = Number(/\r\nContent-Length: *(\d+)/i.exec(this.#pending.slice(0, split + 2))?.[1] ?? 0);
      if (this.#pending.length < split + 4 + length) return;
      const message = this.#pending.slice(0, split + 4 + length);
      this.#pending = this.#pending.slice(split + 4 + length);
      this.take(message);
    }
  }
}
