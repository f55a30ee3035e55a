/** A NAT of the virtual network, in the words of RFC 4787 (UDP) and RFC 5382 (TCP). */
import { formatSocketAddress, later, type Mono, type SocketAddress } from '@strowger/proto';
import type { VirtualHost } from './virtual-host.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** What a mapping, or the filter before it, depends on. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

export interface NatOptions {
  /** Whether one inside port shows as one outside port to all. `address-and-port-dependent` was called symmetric. */
  readonly mapping?: Dependence;
  /** From whom packets come in. */
  readonly filtering?: Dependence;
  /** How long a UDP mapping lives after the last packet from inside. Default 60 s: shorter than RFC 4787 asks, and common. */
  readonly udpMs?: number;
}

/** RFC 5382 §5: 2 hours and 4 minutes. */
const TCP_MS = 7_440_000;
const FIRST_PORT = 20_000;

interface Mapping {
  readonly host: VirtualHost;
  readonly inside: SocketAddress;
  readonly port: number;
  readonly peers: Set<string>;
  until: Mono;
}

export class Nat {
  readonly name: string;
  readonly #network: VirtualNetwork;
  #address: string;
  readonly #mapping: Dependence;
  readonly #filtering: Dependence;
  readonly #udpMs: number;
  readonly #inside = new Map<string, VirtualHost>();
  readonly #byKey = new Map<string, Mapping>();
  readonly #byPort = new Map<string, Mapping>();
  #nextPort = FIRST_PORT;

  constructor(network: VirtualNetwork, name: string, address: string, options: NatOptions = {}) {
    this.#network = network;
    this.name = name;
    this.#address = address;
    this.#mapping = options.mapping ?? 'endpoint-independent';
    this.#filtering = options.filtering ?? 'address-and-port-dependent';
    this.#udpMs = options.udpMs ?? 60_000;
  }

  /** A host behind it. Its address may be one that hosts behind other NATs have as well. */
  host(name: string, address: string): VirtualHost {
    const host = this.#network.hostBehind(this, name, address);
    this.#inside.set(address, host);
    return host;
  }

  /** Who has that address on the inside. */
  inside(address: string): VirtualHost | undefined {
    return this.#inside.get(address);
  }

  /** What the world sees. */
  get address(): string {
    return this.#address;
  }

  /** A restart, with a new public address if one is given: every mapping is gone. */
  forget(address: string = this.#address): void {
    this.#byKey.clear();
    this.#byPort.clear();
    this.#network.renumber(this, address);
    this.#address = address;
  }

  /** @internal How a packet from inside looks outside. */
  outbound(protocol: 'udp' | 'tcp', host: VirtualHost, from: SocketAddress, to: SocketAddress): SocketAddress {
    const now = this.#network.clock.now();
    const key = `${protocol} ${formatSocketAddress(from)} ${part(to, this.#mapping)}`;
    let mapping = this.#byKey.get(key);
    if (!mapping || mapping.until <= now) {
      mapping = { host, inside: from, port: this.#nextPort, peers: new Set(), until: now };
      this.#nextPort += 1;
      this.#byKey.set(key, mapping);
      this.#byPort.set(`${protocol} ${mapping.port}`, mapping);
    }
    mapping.until = later(now, protocol === 'udp' ? this.#udpMs : TCP_MS);
    mapping.peers.add(part(to, this.#filtering));
    return { address: this.address, port: mapping.port };
  }

  /** @internal Where a packet from outside goes, if it is let in. */
  inbound(
    protocol: 'udp' | 'tcp',
    from: SocketAddress,
    to: SocketAddress,
  ): { readonly host: VirtualHost; readonly to: SocketAddress } | undefined {
    const mapping = this.#byPort.get(`${protocol} ${to.port}`);
    if (!mapping || mapping.until <= this.#network.clock.now()) return undefined;
    if (!mapping.peers.has(part(from, this.#filtering))) return undefined;
    return { host: mapping.host, to: mapping.inside };
  }
}

/** As much of an address as counts. */
function part(address: SocketAddress, dependence: Dependence): string {
  switch (dependence) {
    case 'endpoint-independent':
      return '';
    case 'address-dependent':
      return address.address;
    case 'address-and-port-dependent':
      return formatSocketAddress(address);
  }
}
