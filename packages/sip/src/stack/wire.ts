/** For this folder's tests: stacks on an in-memory wire in virtual time, with loss by seed and a transcript. */
import {
  asMono,
  type Destination,
  type Flow,
  type Mono,
  type Octets,
  type Random,
  type SocketAddress,
  TimerWheel,
  type TransportName,
} from '@strowger/proto';
import type { Local } from '../transport/local.ts';
import type { Packet, StackEvent, StackOptions } from './events.ts';
import { SipStack } from './stack.ts';

const LATENCY = 10;

interface Flight {
  readonly at: number;
  readonly go: () => void;
}

/** Minimal standard generator: replayable by its seed. */
export function seeded(seed: number): () => number {
  let x = seed;
  return () => {
    x = (x * 48_271) % 0x7fffffff;
    return x / 0x7fffffff;
  };
}

export function seededRandom(seed: number): Random {
  const next = seeded(seed);
  return {
    fill(into) {
      for (let i = 0; i < into.length; i += 1) into[i] = Math.floor(next() * 256);
      return into;
    },
  };
}

export class Wire {
  now = 0;
  /** `time from → to: start line`. */
  readonly ladder: string[] = [];
  /** Whether this packet is lost. */
  lose: (packet: Packet) => boolean = () => false;
  readonly #nodes: Node[] = [];
  #flights: Flight[] = [];
  #connections = 0;

  get mono(): Mono {
    return asMono(this.now);
  }

  add(name: string, address: string, options: Partial<StackOptions> & { port?: number } = {}): Node {
    const node = new Node(this, name, { address, port: options.port ?? 5060 }, options, this.#nodes.length + 1);
    this.#nodes.push(node);
    return node;
  }

  nextConnection(): number {
    this.#connections += 1;
    return this.#connections;
  }

  nodeAt(remote: SocketAddress): Node | undefined {
    return this.#nodes.find(({ at }) => at.address === remote.address && at.port === remote.port);
  }

  after(ms: number, go: () => void): void {
    this.#flights.push({ at: this.now + ms, go });
  }

  /** Delivers and ticks, in order, up to `end`. */
  runTo(end: number): void {
    for (let n = 0; ; n += 1) {
      if (n > 100_000) throw new Error(`stuck at ${this.now}`);
      const flight = this.#flights.reduce<Flight | undefined>(
        (a, b) => (a === undefined || b.at < a.at ? b : a),
        undefined,
      );
      const due = Math.min(flight?.at ?? Infinity, ...this.#nodes.map(({ wheel }) => wheel.nextDue() ?? Infinity));
      if (due > end) break;
      this.now = Math.max(this.now, due);
      if (flight && flight.at <= this.now) {
        this.#flights = this.#flights.filter((each) => each !== flight);
        flight.go();
      } else for (const { wheel } of this.#nodes) wheel.advance(this.mono);
    }
    this.now = end;
  }
}

/** One stack with its listeners, and what it said. */
export class Node {
  readonly events: StackEvent[] = [];
  readonly stack: SipStack;
  readonly wheel: TimerWheel = new TimerWheel(asMono(0));
  readonly at: SocketAddress;
  readonly name: string;
  /** The TU; set by the test. */
  on: (event: StackEvent) => void = () => {};
  /** Whether it takes connections. */
  listens = true;
  readonly sent: Packet[] = [];
  readonly #wire: Wire;
  readonly #open = new Map<number, Node>();

  constructor(wire: Wire, name: string, at: SocketAddress, options: Partial<StackOptions>, seed: number) {
    this.#wire = wire;
    this.name = name;
    this.at = at;
    const transports: readonly TransportName[] = ['udp', 'tcp'];
    const locals: readonly Local[] = transports.map((transport) => ({ transport, address: at }));
    this.stack = new SipStack({
      random: seededRandom(seed),
      wheel: this.wheel,
      locals,
      ...options,
      emit: (event) => {
        this.events.push(event);
        this.on(event);
      },
      send: (packet) => this.#send(packet),
    });
  }

  /** Closes a connection on both sides. */
  close(connection: number): void {
    const peer = this.#open.get(connection);
    this.#open.delete(connection);
    peer?.close(connection);
    this.stack.connectionClosed(connection, this.#wire.mono);
  }

  get connections(): readonly number[] {
    return [...this.#open.keys()];
  }

  #send(packet: Packet): void {
    this.sent.push(packet);
    const { text, to } = packet;
    const transport = transportOf(to);
    const remote = to.kind === 'flow' ? to.flow.remote : to.remote;
    const what = text
      .slice(0, Math.max(text.indexOf('\r\n'), 0))
      .replace('SIP/2.0 ', '')
      .replace(' SIP/2.0', '');
    const lost = this.#wire.lose(packet);
    const peer = this.#wire.nodeAt(remote);
    this.#wire.ladder.push(`${this.#wire.now} ${this.name} ${transport} ${what}${lost ? ' (lost)' : ''}`);
    if (transport === 'udp') {
      if (!lost && peer) this.#deliver(peer, text, { transport, local: remote, remote: this.at });
    } else this.#stream(packet, to, text, peer);
  }

  #stream(packet: Packet, to: Destination, text: Octets, named: Node | undefined): void {
    const existing = to.kind === 'flow' ? to.flow.connection : undefined;
    const peer = existing === undefined ? named : this.#open.get(existing);
    if (peer === undefined || (existing === undefined && !peer.listens)) {
      this.#wire.after(LATENCY, () => this.stack.sendFailed(packet, this.#wire.mono));
      return;
    }
    const connection = existing ?? this.#wire.nextConnection();
    this.#open.set(connection, peer);
    peer.#open.set(connection, this);
    this.stack.sentOver(packet, connection);
    this.#deliver(peer, text, { transport: 'tcp', local: peer.at, remote: this.at, connection });
  }

  #deliver(peer: Node, text: Octets, flow: Flow): void {
    this.#wire.after(LATENCY, () => peer.stack.receive(text, flow, this.#wire.mono));
  }
}

const transportOf = (to: Destination): TransportName => (to.kind === 'flow' ? to.flow.transport : to.transport);
