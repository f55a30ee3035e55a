/** What a scripted phone stands on: sockets of its host, one stack, one wheel. */
import {
  type Destination,
  type Flow,
  fromBytes,
  type Mono,
  type Octets,
  octets,
  type SocketAddress,
  type StreamSet,
  type Ticker,
  TimerWheel,
  type TransportName,
  type UdpSet,
} from '@strowger/proto';
import { type Packet, SipStack, type StackEvent } from '@strowger/sip/stack';
import type { VirtualHost } from './virtual-host.ts';

export interface WireOptions {
  readonly host: VirtualHost;
  /** Default: the host's first address, port 5060. */
  readonly local: SocketAddress;
  readonly onEvent: (event: StackEvent) => void;
  /** Sees each message before the stack does; false keeps it from it. */
  readonly onReceive: (text: Octets) => boolean;
  readonly onClosed: (flow: Flow) => void;
}

export class PhoneWire {
  readonly stack: SipStack;
  readonly wheel: TimerWheel;
  readonly local: SocketAddress;
  readonly #host: VirtualHost;
  readonly #onReceive: (text: Octets) => boolean;
  readonly #udp: UdpSet;
  readonly #tcp: StreamSet;
  readonly #ticker: Ticker;
  readonly #socket: number;
  #open = true;

  /** Binds UDP and TCP on the same port. */
  static async open(options: WireOptions): Promise<PhoneWire> {
    const udp = options.host.createUdpSet();
    const tcp = options.host.createTcpSet();
    const socket = await udp.bind(options.local);
    const local = udp.local(socket);
    await tcp.listen(local);
    return new PhoneWire(options, udp, tcp, socket);
  }

  private constructor(options: WireOptions, udp: UdpSet, tcp: StreamSet, socket: number) {
    const { host } = options;
    this.#host = host;
    this.#onReceive = options.onReceive;
    this.#udp = udp;
    this.#tcp = tcp;
    this.#socket = socket;
    this.local = udp.local(socket);
    this.wheel = new TimerWheel(this.now());
    this.#ticker = host.createTicker(this.wheel);
    this.stack = new SipStack({
      random: host.random,
      wheel: this.wheel,
      locals: (['udp', 'tcp'] as const).map((transport) => ({ transport, address: this.local })),
      emit: options.onEvent,
      send: (packet) => this.#send(packet),
    });
    udp.onBatch((batch) => {
      for (const { bytes, address, port } of batch) {
        this.#receive(fromBytes(bytes), { transport: 'udp', local: this.local, remote: { address, port } });
      }
    });
    udp.onSendError((_socket, _to, _error, packet) => this.#failed(packet));
    tcp.onMessage((flow, text) => this.#receive(text, flow));
    tcp.onSent((flow, packet) => {
      if (flow.connection !== undefined) this.stack.sentOver(packet as Packet, flow.connection);
    });
    tcp.onSendError((_to, _error, packet) => this.#failed(packet));
    tcp.onClosed((flow) => {
      if (flow.connection !== undefined) this.stack.connectionClosed(flow.connection, this.now());
      options.onClosed(flow);
      this.#ticker.poke();
    });
  }

  now(): Mono {
    return this.#host.clock.now();
  }

  /** After anything that may have set a timer. */
  poke(): void {
    this.#ticker.poke();
  }

  destination(remote: SocketAddress, transport: TransportName): Destination {
    return { kind: 'address', transport, remote };
  }

  get isOpen(): boolean {
    return this.#open;
  }

  ping(server: SocketAddress): void {
    this.#udp.send(this.#socket, octets`\r\n\r\n`, server);
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#ticker.stop();
    await this.#udp.closeAll();
    await this.#tcp.closeAll();
  }

  #receive(text: Octets, flow: Flow): void {
    if (!this.#onReceive(text)) return;
    this.stack.receive(text, flow, this.now());
    this.#ticker.poke();
  }

  #send(packet: Packet): void {
    const { to, text } = packet;
    const transport = to.kind === 'flow' ? to.flow.transport : to.transport;
    const remote = to.kind === 'flow' ? to.flow.remote : to.remote;
    if (transport === 'udp') this.#udp.send(this.#socket, text, remote, packet);
    else this.#tcp.send(text, to, packet);
  }

  /** A ping has no packet. */
  #failed(packet: unknown): void {
    if (packet === undefined) return;
    this.stack.sendFailed(packet as Packet, this.now());
    this.#ticker.poke();
  }
}
