/**
 * The relay of one stream between two legs: forward a packet's bytes as they are, or drop them with a reason. Who may
 * speak and where to send is the latches' (latch.ts, rtcp-latch.ts). One `Relay` serves all streams: its result stands in
 * its own fields, so that a packet costs no object.
 */
import type { Mono, SocketAddress } from '@strowger/proto';
import {
  ACCEPTED,
  DROP_REASONS,
  type DropReason,
  FOREIGN,
  Latch,
  type LatchTiming,
  MALFORMED,
  NOWHERE,
  OTHER_PORT,
  UNCONNECTED,
  type Verdict,
} from './latch.ts';
import { classify, RTCP, RTP, rtcpSsrc, rtpSsrc, sequenceNumber } from './packet.ts';
import type { StreamRemote } from './port.ts';
import { Reception } from './reception.ts';
import { RtcpLatch } from './rtcp-latch.ts';

/** One leg's side of one stream. */
export class RelayStream {
  readonly rtp: Latch;
  readonly rtcp: RtcpLatch;
  readonly received: Reception = new Reception();
  readonly rtpSocket: number;
  readonly rtcpSocket: number;
  rtcpPackets = 0;
  /** RTCP goes on the RTP port (RFC 5761). */
  mux = false;
  /** As last described; `null` is rejected, or not yet. */
  remote: StreamRemote | null = null;
  /** The other leg's side. */
  peer: RelayStream | undefined;
  readonly #dropped = new Float64Array(DROP_REASONS.length + 1);

  constructor(rtpSocket: number, rtcpSocket: number, timing: LatchTiming) {
    this.rtpSocket = rtpSocket;
    this.rtcpSocket = rtcpSocket;
    this.rtp = new Latch(timing);
    this.rtcp = new RtcpLatch(this.rtp, timing);
  }

  drop(verdict: Verdict): Verdict {
    this.#dropped[verdict] = (this.#dropped[verdict] ?? 0) + 1;
    return verdict;
  }

  dropped(): Partial<Record<DropReason, number>> {
    const counts: Partial<Record<DropReason, number>> = {};
    for (const [i, reason] of DROP_REASONS.entries()) {
      const count = this.#dropped[i + 1] ?? 0;
      if (count > 0) counts[reason] = count;
    }
    return counts;
  }
}

export class Relay {
  /** After `receive` said `ACCEPTED`: the socket to send from, and where to. */
  socket = 0;
  to: SocketAddress | undefined;

  /** A packet came in at `stream`, on its RTCP socket or its RTP socket. */
  receive(stream: RelayStream, onRtcp: boolean, bytes: Uint8Array, address: string, port: number, now: Mono): Verdict {
    const kind = classify(bytes);
    if (kind === RTP && !onRtcp) return this.#rtp(stream, bytes, address, port, now);
    if (kind === RTCP) return this.#rtcp(stream, onRtcp, bytes, address, port, now);
    // A third host's garbage is told from a phone's keep-alive, which may be anything (RFC 6263 §4).
    return stream.drop(stream.rtp.knows(address) ? MALFORMED : this.#stranger(stream));
  }

  /** On the RTP port RTCP is let in from where RTP comes from, and teaches nothing. */
  #muxed(stream: RelayStream, address: string, port: number): Verdict {
    if (stream.rtp.holds(address, port)) return ACCEPTED;
    return stream.rtp.knows(address) ? OTHER_PORT : this.#stranger(stream);
  }

  #stranger(stream: RelayStream): Verdict {
    return stream.rtp.connected ? FOREIGN : UNCONNECTED;
  }

  #rtp(stream: RelayStream, bytes: Uint8Array, address: string, port: number, now: Mono): Verdict {
    const ssrc = rtpSsrc(bytes);
    const verdict = stream.rtp.accept(address, port, ssrc, sequenceNumber(bytes), now);
    if (verdict !== ACCEPTED) return stream.drop(verdict);
    stream.received.add(bytes, ssrc, now);
    const peer = stream.peer;
    if (peer?.rtp.sendTo === undefined) return stream.drop(NOWHERE);
    this.socket = peer.rtpSocket;
    this.to = peer.rtp.sendTo;
    return ACCEPTED;
  }

  #rtcp(stream: RelayStream, onRtcp: boolean, bytes: Uint8Array, address: string, port: number, now: Mono): Verdict {
    const verdict = onRtcp
      ? stream.rtcp.accept(address, port, rtcpSsrc(bytes), now)
      : this.#muxed(stream, address, port);
    if (verdict !== ACCEPTED) return stream.drop(verdict);
    stream.rtcpPackets += 1;
    const peer = stream.peer;
    // Each leg has RTCP where its own description put it, whatever the other leg's said.
    const to = peer?.mux ? peer.rtp.sendTo : peer?.rtcp.sendTo;
    if (peer === undefined || to === undefined) return stream.drop(NOWHERE);
    this.socket = peer.mux ? peer.rtpSocket : peer.rtcpSocket;
    this.to = to;
    return ACCEPTED;
  }
}
