/** A UDP set for unit tests: packets go in by hand, and what is sent is kept as lines. */
import {
  asMono,
  asWall,
  type Clock,
  type Datagram,
  formatSocketAddress,
  type Mono,
  type Octets,
  type Random,
  type SocketAddress,
  type UdpCounters,
  type UdpSet,
} from '@strowger/proto';

export class TestUdp implements UdpSet {
  /** `from > to #sequence`, of every packet sent. */
  readonly sent: string[] = [];
  readonly occupied: Set<string> = new Set();
  readonly #bound = new Map<number, SocketAddress>();
  #handler: (batch: readonly Datagram[]) => void = () => {};
  #next = 1;

  get open(): readonly string[] {
    return [...this.#bound.values()].map(formatSocketAddress);
  }

  onBatch(handler: (batch: readonly Datagram[]) => void): void {
    this.#handler = handler;
  }

  onSendError(): void {}

  async bind(local: SocketAddress): Promise<number> {
    const name = formatSocketAddress(local);
    if (this.occupied.has(name) || this.open.includes(name)) {
      throw Object.assign(new Error(`occupied ${name}`), { code: 'EADDRINUSE' });
    }
    this.#bound.set(this.#next, local);
    this.#next += 1;
    return this.#next - 1;
  }

  local(socket: number): SocketAddress {
    const local = this.#bound.get(socket);
    if (!local) throw new RangeError(`no socket ${socket}`);
    return local;
  }

  send(socket: number, payload: Uint8Array | Octets, to: SocketAddress): void {
    const bytes = payload as Uint8Array;
    const seq = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
    this.sent.push(`${formatSocketAddress(this.local(socket))} > ${formatSocketAddress(to)} #${seq}`);
  }

  close(socket: number): void {
    this.#bound.delete(socket);
  }

  async closeAll(): Promise<void> {
    this.#bound.clear();
  }

  counters(): UdpCounters {
    const none = { received: 0, receivedBytes: 0, sent: 0, sentBytes: 0, sendErrors: 0 };
    return { ...none, receiveErrors: 0, dropped: 0, queued: 0 };
  }

  /** A packet arrives, as a batch of its own. */
  arrive(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    const name = formatSocketAddress(to);
    for (const [socket, local] of this.#bound) {
      if (formatSocketAddress(local) === name) this.#handler([{ socket, bytes, ...from }]);
    }
  }
}

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  ms = 1_000_000;
  now(): Mono {
    return asMono(this.ms);
  }
  wall(): ReturnType<Clock['wall']> {
    return asWall(1_800_000_000_000 + this.ms);
  }
}

/** Replayable by seed (minstd). */
export function testRandom(seed: number): Random {
  let x = seed;
  return {
    fill(into) {
      for (let i = 0; i < into.length; i += 1) {
        x = (x * 48_271) % 0x7fffffff;
        into[i] = x & 0xff;
      }
      return into;
    },
  };
}

/** An RTP packet (RFC 3550 §5.1) with 160 octets of payload. */
export function rtpPacket(seq: number, ssrc: number, payloadType = 0, timestamp: number = seq * 160): Uint8Array {
  const bytes = new Uint8Array(172);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80;
  bytes[1] = payloadType;
  view.setUint16(2, seq & 0xffff);
  view.setUint32(4, timestamp >>> 0);
  view.setUint32(8, ssrc);
  return bytes;
}

/** An RTCP receiver report without blocks (RFC 3550 §6.4.2). */
export function rtcpPacket(ssrc: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80;
  bytes[1] = 201;
  view.setUint16(2, 1);
  view.setUint32(4, ssrc);
  return bytes;
}
