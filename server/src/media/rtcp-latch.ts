/**
 * The same for RTCP on a port of its own. It is sparse (every five seconds, RFC 3550 §6.2), so it cannot learn by itself: it
 * follows its RTP.
 *
 *  1. Before RTP is pinned only the signalled address and RTCP port are let in.
 *  2. Then only the IP to which RTP is pinned: first port pinned, the signalled one displacing it.
 *  3. Where RTP was learned through a NAT the first RTCP port from there is learned and sent to. Until it has spoken we send
 *     no RTCP at all: "RTP port plus one" behind a NAT is a guess, and may be somebody else's.
 *  4. A rebinding NAT: as for RTP, after silence, with the same SSRC.
 */
import type { Mono, SocketAddress } from '@strowger/proto';
import { ACCEPTED, FOREIGN, type Latch, type LatchTiming, OTHER_PORT, UNCONNECTED, type Verdict } from './latch.ts';

export class RtcpLatch {
  readonly #rtp: Latch;
  readonly #timing: LatchTiming;
  #signalled: SocketAddress | undefined;
  #muted = false;
  #pinAddress = '';
  #pinPort = 0;
  #pinSsrc = 0;
  #lastSeen = 0;
  #learned: SocketAddress | undefined;

  constructor(rtp: Latch, timing: LatchTiming) {
    this.#rtp = rtp;
    this.#timing = timing;
  }

  /** Where to send; `undefined` is nowhere. */
  get sendTo(): SocketAddress | undefined {
    if (this.#muted) return undefined;
    if (this.#learned && this.#learned.address === this.#rtp.pinAddress) return this.#learned;
    if (this.#rtp.pin === 'learned' && this.#signalled?.address !== this.#rtp.pinAddress) return undefined;
    return this.#signalled;
  }

  /** An offer or answer named another remote; `undefined` is no RTCP, or RTCP on the RTP port. */
  signal(remote: SocketAddress | undefined, muted: boolean): void {
    this.#signalled = remote;
    this.#muted = muted;
    this.#pinPort = 0;
    this.#pinAddress = '';
    this.#learned = undefined;
  }

  accept(address: string, port: number, ssrc: number, now: Mono): Verdict {
    const rtp = this.#rtp;
    if (!rtp.connected) return UNCONNECTED;
    const signalled = this.#signalled;
    const exact = signalled !== undefined && port === signalled.port && address === signalled.address;
    if (rtp.pin === 'none') return exact ? this.#take(address, port, ssrc, now) : FOREIGN;
    if (address !== rtp.pinAddress) return FOREIGN;
    if (exact || this.#pinPort === 0 || this.#pinAddress !== address) return this.#take(address, port, ssrc, now);
    const silent = now - this.#lastSeen > this.#timing.rebindAfter;
    if (port !== this.#pinPort && !(silent && ssrc === this.#pinSsrc)) return OTHER_PORT;
    return this.#take(address, port, ssrc, now);
  }

  #take(address: string, port: number, ssrc: number, now: Mono): Verdict {
    const moved = port !== this.#pinPort || address !== this.#pinAddress;
    this.#pinAddress = address;
    this.#pinPort = port;
    this.#pinSsrc = ssrc;
    this.#lastSeen = now;
    if (moved) this.#learned = this.#rtp.pin === 'learned' ? { address, port } : undefined;
    return ACCEPTED;
  }
}
