/**
 * All bridges of a media process, over a set of UDP sockets: no socket, clock or timer of its own, so that a scenario test
 * runs it on the virtual network. Its callers have checked their requests (protocol.ts).
 */
import { type Clock, type Datagram, later, type Random, Timed, type TimerWheel, type UdpSet } from '@strowger/proto';
import { Bridge } from './bridge.ts';
import { BridgeSockets, type Endpoint } from './bridge-sockets.ts';
import { ACCEPTED } from './latch.ts';
import { refuseRings } from './loops.ts';
import type { MediaOptions } from './options.ts';
import {
  type AllocateRequest,
  type BridgeStats,
  type BridgeSummary,
  type ConnectRequest,
  type LegName,
  MediaError,
  type MediaEvent,
  type StreamLocal,
} from './port.ts';
import { PortAllocator, type PortCounters } from './ports.ts';
import { Relay } from './relay.ts';
import { checkedBind, checkedConnect } from './requests.ts';
import { findSilence, orphanEnd } from './watch.ts';

export interface MediaServerDeps {
  readonly udp: UdpSet;
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly options: MediaOptions;
  /** Told after a timer was set outside the wheel's own advance, for a host's ticker. */
  readonly poke?: () => void;
}

export interface MediaCounters {
  readonly bridges: number;
  readonly ports: PortCounters;
  /** Packets for sockets that no stream has any more. */
  readonly strays: number;
  readonly sendErrors: number;
}

const SWEEP_EVERY = 1000;

export class MediaServer {
  readonly #deps: MediaServerDeps;
  readonly #ports: PortAllocator;
  readonly #sockets: BridgeSockets;
  readonly #bridges = new Map<string, Bridge>();
  readonly #relay = new Relay();
  readonly #sweeper: Sweep;
  #onEvent: (event: MediaEvent) => void = () => {};
  #serial = 0;
  #strays = 0;
  #sendErrors = 0;

  constructor(deps: MediaServerDeps) {
    const { udp, clock, random, options } = deps;
    this.#deps = deps;
    const { ports: range, timing } = options;
    this.#ports = new PortAllocator(udp, clock, random, { range, quarantine: timing.quarantine });
    this.#sockets = new BridgeSockets(this.#ports, timing);
    this.#sweeper = new Sweep(() => this.#sweep());
    udp.onBatch((batch) => this.#receive(batch));
    udp.onSendError(() => {
      this.#sendErrors += 1;
    });
  }

  onEvent(handler: (event: MediaEvent) => void): void {
    this.#onEvent = handler;
  }

  async allocate(owner: number, request: AllocateRequest): Promise<Record<LegName, readonly StreamLocal[]>> {
    const binds = { a: this.#checkedBind(request, 'a'), b: this.#checkedBind(request, 'b') };
    let bridge = this.#bridges.get(request.bridge);
    if (!bridge) {
      this.#serial += 1;
      bridge = new Bridge(request.bridge, this.#serial, this.#deps.clock.now(), binds);
      this.#bridges.set(request.bridge, bridge);
      this.#armSweep();
    }
    this.#own(bridge, owner);
    const grow = () => this.#sockets.grow(bridge, request, binds);
    const work = bridge.work.then(grow, grow);
    bridge.work = work;
    try {
      await work;
    } catch (error) {
      if (bridge.isEmpty && !bridge.ended) this.release(bridge.id);
      throw error;
    }
    return bridge.local();
  }

  connect(owner: number, request: ConnectRequest): void {
    const bridge = this.#bridges.get(request.bridge);
    if (!bridge) throw new MediaError('MEDIA_UNKNOWN_BRIDGE', 'no such bridge');
    const leg = bridge.legs[request.leg];
    const checked = checkedConnect(request, leg);
    this.#own(bridge, owner);
    refuseRings(leg.streams, checked.streams, (at) => this.#sockets.listeningAt(at));
    bridge.connect(checked, this.#deps.clock.now());
  }

  /** Ends a bridge, whoever owns it. */
  release(id: string): BridgeStats | undefined {
    const bridge = this.#bridges.get(id);
    if (!bridge) return undefined;
    const stats = bridge.stats(this.#deps.clock);
    bridge.ended = true;
    this.#bridges.delete(id);
    this.#sockets.closeAll(bridge);
    if (this.#bridges.size === 0) this.#deps.wheel.stop(this.#sweeper);
    return stats;
  }

  list(): readonly BridgeSummary[] {
    return [...this.#bridges.values()].map((bridge) => bridge.summary(this.#deps.clock));
  }

  /** At most `size` bridges in order of their making, after the one with that serial number; `next` if there are more. */
  page(after: number, size: number): { readonly bridges: readonly BridgeSummary[]; readonly next?: number } {
    const bridges: BridgeSummary[] = [];
    let last = after;
    for (const bridge of this.#bridges.values()) {
      if (bridge.serial <= after) continue;
      if (bridges.length === size) return { bridges, next: last };
      bridges.push(bridge.summary(this.#deps.clock));
      last = bridge.serial;
    }
    return { bridges };
  }

  adopt(owner: number, ids: readonly string[]): readonly string[] {
    const found = ids.filter((id) => this.#bridges.has(id));
    for (const id of found) {
      const bridge = this.#bridges.get(id);
      if (bridge) this.#own(bridge, owner);
    }
    return found;
  }

  /** That controller is gone. Audio goes on. */
  orphan(owner: number): void {
    const now = this.#deps.clock.now();
    for (const bridge of this.#bridges.values()) {
      if (bridge.owner !== owner) continue;
      bridge.owner = undefined;
      bridge.orphanedAt = now;
    }
  }

  counters(): MediaCounters {
    return {
      bridges: this.#bridges.size,
      ports: this.#ports.counters(),
      strays: this.#strays,
      sendErrors: this.#sendErrors,
    };
  }

  close(): void {
    for (const id of [...this.#bridges.keys()]) this.release(id);
  }

  #checkedBind({ legs }: AllocateRequest, leg: LegName): string {
    return checkedBind(legs[leg].bind, this.#deps.options.addresses);
  }

  #own(bridge: Bridge, owner: number): void {
    bridge.owner = owner;
    bridge.orphanedAt = undefined;
  }

  #receive(batch: readonly Datagram[]): void {
    const now = this.#deps.clock.now();
    const relay = this.#relay;
    for (const { socket, bytes, address, port } of batch) {
      const endpoint = this.#sockets.endpoint(socket);
      if (endpoint === undefined) {
        this.#strays += 1;
        continue;
      }
      const { stream } = endpoint;
      const verdict = relay.receive(stream.relay, endpoint.rtcp, bytes, address, port, now);
      if (verdict === ACCEPTED && relay.to !== undefined) this.#deps.udp.send(relay.socket, bytes, relay.to);
      if (stream.idle && stream.relay.received.lastAt === now) this.#resumed(endpoint);
    }
  }

  #resumed({ bridge, leg, index, stream }: Endpoint): void {
    stream.idle = false;
    this.#onEvent({ kind: 'resumed', bridge: bridge.id, leg, stream: index });
  }

  #sweep(): void {
    const { clock, options } = this.#deps;
    const now = clock.now();
    for (const bridge of [...this.#bridges.values()]) {
      const why = orphanEnd(bridge, options.timing, now);
      if (why !== undefined) {
        const stats = this.release(bridge.id);
        if (stats) this.#onEvent({ kind: 'orphan-ended', bridge: bridge.id, why, stats });
        continue;
      }
      findSilence(bridge, options.timing.idleAfter, now, this.#onEvent);
    }
    if (this.#bridges.size > 0) this.#armSweep();
  }

  #armSweep(): void {
    const { wheel, clock, poke } = this.#deps;
    if (this.#sweeper.wheelSlot < 0) wheel.set(this.#sweeper, later(clock.now(), SWEEP_EVERY));
    poke?.();
  }
}

/** One timer for all bridges, set only while there is one. */
class Sweep extends Timed {
  readonly #run: () => void;

  constructor(run: () => void) {
    super();
    this.#run = run;
  }

  onDue(): void {
    this.#run();
  }
}
