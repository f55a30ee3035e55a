/**
 * All bridges of a media process, over a set of UDP sockets: no socket, clock or timer of its own, so that a scenario test
 * runs it on the virtual network. Its callers have checked their requests (protocol.ts).
 */
import {
  type Clock,
  type Datagram,
  formatSocketAddress,
  later,
  type Random,
  Timed,
  type TimerWheel,
  type UdpSet,
} from '@strowger/proto';
import { Bridge, type LegStream, otherLeg } from './bridge.ts';
import { ACCEPTED } from './latch.ts';
import { refuseRings } from './loops.ts';
import type { MediaOptions } from './options.ts';
import {
  type AllocateRequest,
  type BridgeStats,
  type BridgeSummary,
  type ConnectRequest,
  LEG_NAMES,
  type LegName,
  MediaError,
  type MediaEvent,
  type StreamLocal,
} from './port.ts';
import { PortAllocator, type PortCounters } from './ports.ts';
import { Relay, type RelayStream } from './relay.ts';
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

/** Where a socket's packets go in. */
interface Endpoint {
  readonly bridge: Bridge;
  readonly leg: LegName;
  readonly index: number;
  readonly stream: LegStream;
  readonly rtcp: boolean;
}

const SWEEP_EVERY = 1000;

export class MediaServer {
  readonly #deps: MediaServerDeps;
  readonly #ports: PortAllocator;
  readonly #bridges = new Map<string, Bridge>();
  readonly #endpoints = new Map<number, Endpoint>();
  /** By RTP and RTCP address, for the search for loops. */
  readonly #listening = new Map<string, RelayStream>();
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
    const grow = () => this.#grow(bridge, request, binds);
    const work = bridge.work.then(grow, grow);
    bridge.work = work;
    await work;
    return bridge.local();
  }

  connect(owner: number, request: ConnectRequest): void {
    const bridge = this.#bridges.get(request.bridge);
    if (!bridge) throw new MediaError('MEDIA_UNKNOWN_BRIDGE', 'no such bridge');
    const leg = bridge.legs[request.leg];
    const checked = checkedConnect(request, leg);
    this.#own(bridge, owner);
    refuseRings(leg.streams, checked.streams, (at) => this.#listening.get(formatSocketAddress(at)));
    bridge.connect(checked, this.#deps.clock.now());
  }

  /** Ends a bridge, whoever owns it. */
  release(id: string): BridgeStats | undefined {
    const bridge = this.#bridges.get(id);
    if (!bridge) return undefined;
    const stats = bridge.stats(this.#deps.clock);
    bridge.ended = true;
    this.#bridges.delete(id);
    for (const leg of LEG_NAMES) this.#close(bridge.clearLeg(leg));
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

  /** All the ports or none: a leg without its peer is of no use. */
  async #grow(bridge: Bridge, request: AllocateRequest, binds: Record<LegName, string>): Promise<void> {
    const fresh: { readonly leg: LegName; readonly stream: LegStream }[] = [];
    try {
      for (const leg of LEG_NAMES) {
        this.#rebind(bridge, leg, binds[leg]);
        const { streams } = bridge.legs[leg];
        while (streams.length < request.streams) {
          const pair = await this.#ports.acquire(binds[leg], request.legs[leg].ports?.[streams.length]);
          if (bridge.ended) {
            this.#ports.release(pair);
            throw new MediaError('MEDIA_UNKNOWN_BRIDGE', 'released while it was made');
          }
          const stream = bridge.addStream(leg, pair, this.#deps.options.timing);
          fresh.push({ leg, stream });
          this.#listen(bridge, leg, streams.length - 1, stream);
        }
      }
    } catch (error) {
      if (!bridge.ended) this.#undo(bridge, fresh);
      throw error;
    }
  }

  /** The leg is to be at another of our addresses: its ports there are new. */
  #rebind(bridge: Bridge, leg: LegName, bind: string): void {
    if (bridge.legs[leg].bind === bind) return;
    this.#close(bridge.clearLeg(leg));
    bridge.legs[leg].bind = bind;
  }

  #undo(bridge: Bridge, fresh: readonly { readonly leg: LegName; readonly stream: LegStream }[]): void {
    for (const { leg, stream } of fresh.toReversed()) {
      bridge.legs[leg].streams.pop();
      const peer = bridge.legs[otherLeg(leg)].streams.find(({ relay }) => relay.peer === stream.relay);
      if (peer) peer.relay.peer = undefined;
      this.#close([stream]);
    }
    if (bridge.legs.a.streams.length + bridge.legs.b.streams.length === 0) this.release(bridge.id);
  }

  #listen(bridge: Bridge, leg: LegName, index: number, stream: LegStream): void {
    const { rtpSocket, rtcpSocket } = stream.pair;
    const { address, port } = stream.pair;
    this.#listening.set(formatSocketAddress({ address, port }), stream.relay);
    this.#listening.set(formatSocketAddress({ address, port: port + 1 }), stream.relay);
    this.#endpoints.set(rtpSocket, { bridge, leg, index, stream, rtcp: false });
    this.#endpoints.set(rtcpSocket, { bridge, leg, index, stream, rtcp: true });
  }

  #close(streams: readonly LegStream[]): void {
    for (const { pair } of streams) {
      this.#listening.delete(formatSocketAddress(pair));
      this.#listening.delete(formatSocketAddress({ address: pair.address, port: pair.port + 1 }));
      this.#endpoints.delete(pair.rtpSocket);
      this.#endpoints.delete(pair.rtcpSocket);
      this.#ports.release(pair);
    }
  }

  #receive(batch: readonly Datagram[]): void {
    const now = this.#deps.clock.now();
    const relay = this.#relay;
    for (const { socket, bytes, address, port } of batch) {
      const endpoint = this.#endpoints.get(socket);
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
