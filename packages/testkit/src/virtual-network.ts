/**
 * Hosts, the links between them, and a record of every packet. Whole servers run on it: a host gives the same sockets
 * as `@strowger/node` does. One seed, one run.
 */
import type { Mono, Octets, SocketAddress, TransportName } from '@strowger/proto';
import { CALM, Link, type LinkConditions } from './link.ts';
import { Nat, type NatOptions } from './nat.ts';
import { Prng } from './prng.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { VirtualHost } from './virtual-host.ts';

/** What became of a packet. `refused`: it came to an address or port where nobody listens. */
export type Fate = 'under-way' | 'arrived' | 'lost' | 'dropped' | 'refused';

export interface PacketRecord {
  readonly number: number;
  readonly at: Mono;
  readonly transport: TransportName;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  readonly fromHost: string;
  /** Absent where no host has that address. */
  readonly toHost?: string;
  readonly text: Octets;
  /** When it arrives, last if twice. */
  readonly arrives?: Mono;
  readonly copies: number;
  readonly fate: Fate;
}

/** @internal */
export interface Routed {
  readonly target: VirtualHost | undefined;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
}

type Draft = { -readonly [K in keyof PacketRecord]: PacketRecord[K] };

export interface NetworkOptions {
  readonly clock: VirtualClock;
  readonly seed: number;
  /** Of every link that is not set otherwise. */
  readonly conditions?: Partial<LinkConditions>;
  /** Packets that are kept for the ladder; older ones are forgotten. Default 100,000. */
  readonly keep?: number;
}

export class VirtualNetwork {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly #keep: number;
  #conditions: LinkConditions;
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #byAddress = new Map<string, VirtualHost>();
  readonly #nats = new Map<string, Nat>();
  readonly #links = new Map<string, Link>();
  readonly #filters = new Set<(packet: PacketRecord) => boolean>();
  #records: Draft[] = [];
  #count = 0;

  constructor(options: NetworkOptions) {
    this.clock = options.clock;
    this.prng = new Prng(options.seed);
    this.#conditions = { ...CALM, ...options.conditions };
    this.#keep = options.keep ?? 100_000;
  }

  get hosts(): readonly VirtualHost[] {
    return [...this.#hosts.values()];
  }

  /** All packets, in order of sending. */
  get packets(): readonly PacketRecord[] {
    return this.#records;
  }

  /** A new host with those addresses, IPv4 or IPv6. */
  host(name: string, ...addresses: readonly [string, ...string[]]): VirtualHost {
    const host = this.#newHost(name, addresses);
    for (const address of addresses) {
      if (this.#byAddress.has(address)) throw new Error(`two hosts have the address ${address}`);
      this.#byAddress.set(address, host);
    }
    return host;
  }

  /** A NAT with that public address; hosts behind it come from `nat.host`. */
  nat(name: string, address: string, options: NatOptions = {}): Nat {
    const nat = new Nat(this, name, address, options);
    this.#nats.set(address, nat);
    return nat;
  }

  /** @internal */
  renumber(nat: Nat, address: string): void {
    this.#nats.delete(nat.address);
    this.#nats.set(address, nat);
  }

  /** @internal */
  hostBehind(nat: Nat, name: string, address: string): VirtualHost {
    return this.#newHost(name, [address], nat);
  }

  #newHost(name: string, addresses: readonly string[], nat?: Nat): VirtualHost {
    if (this.#hosts.has(name)) throw new Error(`two hosts are called ${name}`);
    const host = new VirtualHost(this, name, addresses, nat);
    this.#hosts.set(name, host);
    return host;
  }

  /** Changes every link, those that were set one by one as well. */
  setConditions(conditions: Partial<LinkConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
    for (const link of this.#links.values()) link.conditions = { ...link.conditions, ...conditions };
  }

  /** Changes the link between two hosts, both ways. */
  setLink(a: string, b: string, conditions: Partial<LinkConditions>): void {
    for (const link of [this.link(a, b), this.link(b, a)]) link.conditions = { ...link.conditions, ...conditions };
  }

  /** Nothing passes between the two until `mend`. */
  cut(a: string, b: string): void {
    this.link(a, b).cut = true;
    this.link(b, a).cut = true;
  }

  mend(a: string, b: string): void {
    this.link(a, b).cut = false;
    this.link(b, a).cut = false;
  }

  /** Drops the first `count` packets that match: for the loss of one certain message. Returns how to stop it. */
  drop(matches: (packet: PacketRecord) => boolean, count = 1): () => void {
    let left = count;
    const filter = (packet: PacketRecord) => {
      if (left <= 0 || !matches(packet)) return false;
      left -= 1;
      return true;
    };
    this.#filters.add(filter);
    return () => this.#filters.delete(filter);
  }

  /** One direction. */
  link(from: string, to: string): Link {
    const key = `${from}>${to}`;
    let link = this.#links.get(key);
    if (!link) {
      link = new Link(this.#conditions, this.prng.fork(key));
      this.#links.set(key, link);
    }
    return link;
  }

  /** @internal Who gets it, and the addresses that the receiver sees, past the NATs of both. */
  route(protocol: 'udp' | 'tcp', host: VirtualHost, from: SocketAddress, to: SocketAddress): Routed {
    const { nat } = host;
    const near = isLoopback(to.address) ? host : nat?.inside(to.address);
    if (near) return { target: near, from, to };
    const source = nat ? nat.outbound(protocol, host, from, to) : from;
    const far = this.#nats.get(to.address);
    if (!far) return { target: this.#byAddress.get(to.address), from: source, to };
    const admitted = far.inbound(protocol, source, to);
    return { target: admitted?.host, from: source, to: admitted?.to ?? to };
  }

  /** @internal Carries a datagram. */
  carry(host: VirtualHost, from: SocketAddress, to: SocketAddress, text: Octets): void {
    const routed = this.route('udp', host, from, to);
    const { target } = routed;
    const record = this.record('udp', host, from, to, target, text);
    if (record.fate === 'dropped') return;
    if (!target) {
      record.fate = 'refused';
      return;
    }
    const arrivals = this.link(host.name, target.name).datagram(this.clock.now());
    record.copies = arrivals.length;
    if (arrivals.length === 0) record.fate = 'lost';
    for (const at of arrivals) {
      record.arrives = at;
      this.clock.at(at, () => {
        const taken = target.arrive(routed.from, routed.to, text);
        if (record.fate === 'under-way') record.fate = taken ? 'arrived' : 'refused';
      });
    }
  }

  /** @internal Writes a packet down; `dropped` if a filter wants it. */
  record(
    transport: TransportName,
    host: VirtualHost,
    from: SocketAddress,
    to: SocketAddress,
    target: VirtualHost | undefined,
    text: Octets,
  ): Draft {
    this.#count += 1;
    const record: Draft = {
      number: this.#count,
      at: this.clock.now(),
      transport,
      from,
      to,
      fromHost: host.name,
      text,
      copies: 1,
      fate: 'under-way',
    };
    if (target) record.toHost = target.name;
    this.#records.push(record);
    if (this.#records.length > this.#keep * 2) this.#records = this.#records.slice(-this.#keep);
    for (const filter of this.#filters) {
      if (!filter(record)) continue;
      record.fate = 'dropped';
      record.copies = 0;
      break;
    }
    return record;
  }
}

export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');
