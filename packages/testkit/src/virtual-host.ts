import type { Octets } from '@strowger/proto';
import {
  BindError,
  type Clock,
  formatSocketAddress,
  isIpv6,
  type SocketAddress,
  type StreamSet,
  type Ticker,
  type TimerWheel,
  Turn,
  type UdpSet,
} from '@strowger/proto';
import type { Nat } from './nat.ts';
import type { Prng } from './prng.ts';
import { isLoopback, type VirtualNetwork } from './virtual-network.ts';
import { VirtualStreams } from './virtual-streams.ts';
import { VirtualUdpSet } from './virtual-udp.ts';

const FIRST_EPHEMERAL = 49_152;
const ANY = new Set(['0.0.0.0', '::']);

/** Who has a port: whatever the transport's sockets are. */
export type Ports<T> = Map<string, T>;

/** A machine on the virtual network: clock, randomness, turn and sockets as a real host gives them. */
export class VirtualHost {
  readonly network: VirtualNetwork;
  readonly name: string;
  readonly addresses: readonly string[];
  /** What it stands behind. */
  readonly nat: Nat | undefined;
  readonly clock: Clock;
  readonly random: Prng;
  readonly #udp: Ports<{ readonly set: VirtualUdpSet; readonly socket: number }>;
  readonly #tcp: Ports<VirtualStreams>;
  readonly #sets = new Set<{ die(): void }>();
  readonly #tickers = new Set<Ticker>();
  #turn: Turn;
  #nextPort = FIRST_EPHEMERAL;

  constructor(
    network: VirtualNetwork,
    name: string,
    addresses: readonly string[],
    nat?: Nat,
    program?: { readonly machine: VirtualHost; readonly name: string },
  ) {
    this.network = network;
    this.name = name;
    this.addresses = addresses;
    this.nat = nat;
    this.clock = network.clock;
    this.#udp = program ? program.machine.#udp : new Map();
    this.#tcp = program ? program.machine.#tcp : new Map();
    this.random = network.prng.fork(`host ${name}${program ? ` program ${program.name}` : ''}`);
    this.#turn = this.#newTurn();
  }

  /** Another program on the same machine: it shares addresses and ports, and crashes by itself. */
  process(name: string): VirtualHost {
    return new VirtualHost(this.network, this.name, this.addresses, this.nat, { machine: this, name });
  }

  /** When what is queued leaves; another one after each crash. */
  get turn(): Turn {
    return this.#turn;
  }

  createUdpSet(): UdpSet {
    const set = new VirtualUdpSet(this, this.#udp);
    this.#sets.add(set);
    return set;
  }

  createTcpSet(): StreamSet {
    const set = new VirtualStreams(this, this.#tcp);
    this.#sets.add(set);
    return set;
  }

  createTicker(wheel: TimerWheel): Ticker {
    const ticker = this.network.clock.ticker(wheel);
    this.#tickers.add(ticker);
    return ticker;
  }

  /**
   * The program on it dies, as by `kill -9`: what was queued does not leave, timers stop, the kernel closes its
   * connections. New sockets may be made at once, for its next life.
   */
  crash(): void {
    const tickers = [...this.#tickers];
    const sets = [...this.#sets];
    this.#tickers.clear();
    this.#sets.clear();
    this.#turn = this.#newTurn();
    for (const ticker of tickers) ticker.stop();
    for (const set of sets) set.die();
  }

  /** @internal A port for a socket, checked as the kernel does. */
  claim<T>(
    transport: string,
    ports: Ports<T>,
    local: SocketAddress,
    owner: (bound: SocketAddress) => T,
  ): SocketAddress {
    if (!ANY.has(local.address) && !isLoopback(local.address) && !this.addresses.includes(local.address)) {
      throw bindError(transport, local, 'EADDRNOTAVAIL');
    }
    let { port } = local;
    while (port === 0) {
      const candidate = this.#nextPort;
      this.#nextPort = candidate === 65_535 ? FIRST_EPHEMERAL : candidate + 1;
      if (!ports.has(formatSocketAddress({ ...local, port: candidate }))) port = candidate;
    }
    const bound = { address: local.address, port };
    const key = formatSocketAddress(bound);
    if (ports.has(key)) throw bindError(transport, bound, 'EADDRINUSE');
    ports.set(key, owner(bound));
    return bound;
  }

  /** @internal Who listens at that address, by itself or for all addresses. */
  find<T>(ports: Ports<T>, at: SocketAddress): T | undefined {
    const any = isIpv6(at.address) ? '::' : '0.0.0.0';
    return ports.get(formatSocketAddress(at)) ?? ports.get(formatSocketAddress({ address: any, port: at.port }));
  }

  /** @internal The address that a packet from that socket bears. */
  source(local: SocketAddress, to: SocketAddress): SocketAddress {
    if (!ANY.has(local.address)) return local;
    const v6 = isIpv6(local.address);
    const address = isLoopback(to.address) ? to.address : this.addresses.find((a) => isIpv6(a) === v6);
    return { address: address ?? local.address, port: local.port };
  }

  /** @internal A datagram comes in. False if nobody has the port. */
  arrive(from: SocketAddress, to: SocketAddress, text: Octets): boolean {
    const found = this.find(this.#udp, to);
    found?.set.arrive(found.socket, from, text);
    return found !== undefined;
  }

  /** @internal */
  get streamPorts(): Ports<VirtualStreams> {
    return this.#tcp;
  }

  #newTurn(): Turn {
    const turn: Turn = new Turn((run) =>
      this.network.clock.endOfEvent(() => {
        // A crash between: what was to leave is gone.
        if (this.#turn === turn) run();
      }),
    );
    return turn;
  }
}

function bindError(transport: string, local: SocketAddress, code: string): BindError {
  return new BindError(transport, formatSocketAddress(local), Object.assign(new Error(code), { code }));
}
