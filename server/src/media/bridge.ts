/** One bridge: its legs, their ports and streams, and what can be told of them. */
import { type Clock, later, type Mono, type Wall } from '@strowger/proto';
import { isUnspecified } from './address.ts';
import type { LatchTiming } from './latch.ts';
import {
  type BridgeStats,
  type BridgeSummary,
  type ConnectRequest,
  LEG_NAMES,
  type LegName,
  type LegSummary,
  type StreamLocal,
  type StreamRemote,
  type StreamStats,
} from './port.ts';
import type { PortPair } from './ports.ts';
import { RelayStream } from './relay.ts';

/** One leg's side of a stream with its ports and its watch. */
export interface LegStream {
  readonly pair: PortPair;
  readonly relay: RelayStream;
  /** Since when packets may be expected of this leg; absent while they may not. */
  expectedSince: Mono | undefined;
  idle: boolean;
}

export interface Leg {
  bind: string;
  source: string | undefined;
  readonly streams: LegStream[];
}

export const otherLeg = (leg: LegName): LegName => (leg === 'a' ? 'b' : 'a');

export class Bridge {
  readonly id: string;
  /** In order of making, for paging. */
  readonly serial: number;
  readonly createdAt: Mono;
  readonly legs: Readonly<Record<LegName, Leg>>;
  /** The controller it belongs to; absent while orphaned. */
  owner: number | undefined;
  orphanedAt: Mono | undefined;
  ended = false;
  /** Changes of ports happen one after another. */
  work: Promise<unknown> = Promise.resolve();

  constructor(id: string, serial: number, now: Mono, binds: Readonly<Record<LegName, string>>) {
    this.id = id;
    this.serial = serial;
    this.createdAt = now;
    this.legs = {
      a: { bind: binds.a, source: undefined, streams: [] },
      b: { bind: binds.b, source: undefined, streams: [] },
    };
  }

  get isEmpty(): boolean {
    return this.legs.a.streams.length + this.legs.b.streams.length === 0;
  }

  addStream(leg: LegName, pair: PortPair, timing: LatchTiming): LegStream {
    const relay = new RelayStream(pair.rtpSocket, pair.rtcpSocket, timing);
    const stream: LegStream = { pair, relay, expectedSince: undefined, idle: false };
    const { streams } = this.legs[leg];
    const peer = this.legs[otherLeg(leg)].streams[streams.length];
    if (peer) {
      relay.peer = peer.relay;
      peer.relay.peer = relay;
    }
    streams.push(stream);
    return stream;
  }

  /** Takes a leg's streams away, to be closed by the caller. */
  clearLeg(leg: LegName): readonly LegStream[] {
    for (const { relay } of this.legs[otherLeg(leg)].streams) relay.peer = undefined;
    return this.legs[leg].streams.splice(0);
  }

  /** Addresses are canonical by now. */
  connect({ leg: name, source, streams }: ConnectRequest, now: Mono): void {
    const leg = this.legs[name];
    leg.source = source;
    for (const [i, stream] of leg.streams.entries()) {
      describe(stream.relay, streams[i] ?? null, source);
    }
    for (const name of LEG_NAMES) {
      for (const stream of this.legs[name].streams) {
        stream.relay.rtp.expect(now);
        this.#expect(stream, now);
      }
    }
  }

  /** Silence counts from when both ends are there, and the leg said that it would send. */
  #expect(stream: LegStream, now: Mono): void {
    const { relay } = stream;
    const { remote } = relay;
    const direction = remote?.direction ?? 'sendrecv';
    const there = remote !== null && remote.port !== 0 && !isUnspecified(remote.address);
    const sends = there && (direction === 'sendrecv' || direction === 'sendonly');
    if (!sends || !relay.peer?.rtp.connected) {
      stream.expectedSince = undefined;
      stream.idle = false;
    } else {
      stream.expectedSince ??= now;
    }
  }

  lastMedia(): Mono | undefined {
    let last: Mono | undefined;
    for (const name of LEG_NAMES) {
      for (const { relay } of this.legs[name].streams) {
        const at = relay.received.lastAt;
        if (at !== undefined && (last === undefined || at > last)) last = at;
      }
    }
    return last;
  }

  local(): Record<LegName, readonly StreamLocal[]> {
    return { a: this.legs.a.streams.map(localOf), b: this.legs.b.streams.map(localOf) };
  }

  stats(clock: Clock): BridgeStats {
    const toWall = (at: Mono): Wall => later(clock.wall(), at - clock.now());
    const of = (leg: LegName) => this.legs[leg].streams.map((stream) => statsOf(stream, toWall));
    return { bridge: this.id, createdAt: toWall(this.createdAt), legs: { a: of('a'), b: of('b') } };
  }

  summary(clock: Clock): BridgeSummary {
    const of = ({ streams, source }: Leg): LegSummary => ({
      local: streams.map(localOf),
      remote: streams.map(({ relay }) => relay.remote),
      ...(source === undefined ? {} : { source }),
    });
    const media = { a: of(this.legs.a), b: of(this.legs.b) };
    return { ...this.stats(clock), owned: this.owner !== undefined, media };
  }
}

function describe(relay: RelayStream, remote: StreamRemote | null, source: string | undefined): void {
  const before = relay.remote?.rtcpPort;
  relay.remote = remote;
  if (remote === null || remote.port === 0) {
    relay.rtp.clear();
    relay.rtcp.signal(undefined, true);
    return;
  }
  const { address, port, rtcpPort } = remote;
  const muted = isUnspecified(address);
  relay.mux = rtcpPort === port;
  relay.received.describe(remote.clockRates ?? {});
  const moved = relay.rtp.signal({ address, port }, source ?? address, muted);
  const separate = rtcpPort !== 0 && rtcpPort !== port;
  const rtcp = separate ? { address, port: rtcpPort } : undefined;
  if (moved || rtcpPort !== before) relay.rtcp.signal(rtcp, muted);
}

const localOf = ({ pair }: LegStream): StreamLocal => ({
  address: pair.address,
  port: pair.port,
  rtcpPort: pair.port + 1,
});

function statsOf({ relay }: LegStream, toWall: (at: Mono) => Wall): StreamStats {
  const { packets, bytes, ssrc, lost, jitterMs, firstAt, lastAt } = relay.received;
  const remote = relay.rtp.sendTo;
  return {
    packets,
    bytes,
    rtcpPackets: relay.rtcpPackets,
    dropped: relay.dropped(),
    ...(ssrc === undefined ? {} : { ssrc }),
    ...(lost === undefined ? {} : { lost }),
    ...(jitterMs === undefined ? {} : { jitterMs }),
    ...(firstAt === undefined ? {} : { firstAt: toWall(firstAt) }),
    ...(lastAt === undefined ? {} : { lastAt: toWall(lastAt) }),
    ...(remote === undefined ? {} : { remote, learned: relay.rtp.pin === 'learned' }),
  };
}
