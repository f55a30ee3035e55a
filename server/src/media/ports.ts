/**
 * RTP port pairs (even RTP, odd RTCP above it: RFC 3550 §11) of a range, per local address.
 *
 * Free pairs form a queue in random order, so that nobody outside can tell the next one; a released pair goes to its end
 * and rests for `quarantine`, so that late packets of a call that ended find a closed port. When nothing else is left the
 * pair that has rested longest is taken early (counted): refusing a call would be worse, and the latch keeps strangers out.
 */
import { type Clock, formatHost, type Random, type UdpSet } from '@strowger/proto';
import { MediaError } from './port.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface PortOptions {
  readonly range: PortRange;
  /** Milliseconds that a released pair rests. */
  readonly quarantine: number;
}

export interface PortPair {
  readonly address: string;
  readonly port: number;
  readonly rtpSocket: number;
  readonly rtcpSocket: number;
}

export interface PortCounters {
  readonly inUse: number;
  readonly resting: number;
  readonly free: number;
  readonly allocated: number;
  readonly released: number;
  /** Pairs taken before they had rested. */
  readonly early: number;
  /** Pairs passed over because another program has one of their ports. */
  readonly occupied: number;
  readonly exhausted: number;
}

/** Ports that other programs hold are passed over, but not for ever. */
const MAX_ATTEMPTS = 32;

/** Free pairs by RTP port, oldest first (a Map keeps the order of insertion), with the time from which each has rested. */
type Pool = Map<number, number>;

export class PortAllocator {
  readonly #udp: UdpSet;
  readonly #clock: Clock;
  readonly #options: PortOptions;
  readonly #order: readonly number[];
  readonly #pools = new Map<string, Pool>();
  readonly #counts = { inUse: 0, allocated: 0, released: 0, early: 0, occupied: 0, exhausted: 0 };

  constructor(udp: UdpSet, clock: Clock, random: Random, options: PortOptions) {
    this.#udp = udp;
    this.#clock = clock;
    this.#options = options;
    this.#order = shuffledPairs(options.range, random);
  }

  /** A bound pair, `wanted` if it is free. Rejects with `MEDIA_NO_PORTS` or `MEDIA_BIND_FAILED`. */
  async acquire(address: string, wanted?: number): Promise<PortPair> {
    const pool = this.#pool(address);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const port = this.#take(pool, attempt === 0 ? wanted : undefined);
      if (port === undefined) break;
      const pair = await this.#bind(pool, address, port);
      if (pair) return pair;
    }
    this.#counts.exhausted += 1;
    const { first, last } = this.#options.range;
    throw new MediaError('MEDIA_NO_PORTS', `no free RTP port pair in ${first}-${last} at a media address`);
  }

  /** Closes a pair's sockets; it may be had again after its rest. */
  release(pair: PortPair): void {
    this.#udp.close(pair.rtpSocket);
    this.#udp.close(pair.rtcpSocket);
    this.#counts.inUse -= 1;
    this.#counts.released += 1;
    this.#pool(pair.address).set(pair.port, this.#clock.now() + this.#options.quarantine);
  }

  counters(): PortCounters {
    const now = this.#clock.now();
    let free = 0;
    let resting = 0;
    for (const pool of this.#pools.values()) {
      for (const restedAt of pool.values()) {
        if (restedAt > now) resting += 1;
        else free += 1;
      }
    }
    return { ...this.#counts, free, resting };
  }

  #pool(address: string): Pool {
    let pool = this.#pools.get(address);
    if (!pool) {
      pool = new Map(this.#order.map((port) => [port, 0]));
      this.#pools.set(address, pool);
    }
    return pool;
  }

  /** Out of the pool before its sockets are bound, so that two calls at once do not bind the same. */
  #take(pool: Pool, wanted?: number): number | undefined {
    if (wanted !== undefined && pool.delete(wanted)) return wanted;
    const oldest = pool.entries().next();
    if (oldest.done) return undefined;
    const [port, restedAt] = oldest.value;
    if (restedAt > this.#clock.now()) this.#counts.early += 1;
    pool.delete(port);
    return port;
  }

  async #bind(pool: Pool, address: string, port: number): Promise<PortPair | undefined> {
    let rtpSocket: number | undefined;
    try {
      rtpSocket = await this.#udp.bind({ address, port });
      const rtcpSocket = await this.#udp.bind({ address, port: port + 1 });
      this.#counts.inUse += 1;
      this.#counts.allocated += 1;
      return { address, port, rtpSocket, rtcpSocket };
    } catch (cause) {
      if (rtpSocket !== undefined) this.#udp.close(rtpSocket);
      pool.set(port, this.#clock.now() + this.#options.quarantine);
      if ((cause as { code?: unknown }).code !== 'EADDRINUSE') {
        throw new MediaError('MEDIA_BIND_FAILED', `cannot bind ${formatHost(address)}`, { cause });
      }
      this.#counts.occupied += 1;
      return undefined;
    }
  }
}

/** Fisher–Yates; the bias of a 32-bit modulus is of no account here. */
function shuffledPairs({ first, last }: PortRange, random: Random): number[] {
  const ports: number[] = [];
  for (let port = first + (first % 2); port + 1 <= last; port += 2) ports.push(port);
  const draws = new Uint32Array(random.fill(new Uint8Array(4 * ports.length)).buffer);
  for (let i = ports.length - 1; i > 0; i -= 1) {
    const j = (draws[i] ?? 0) % (i + 1);
    [ports[i], ports[j]] = [ports[j] as number, ports[i] as number];
  }
  return ports;
}
