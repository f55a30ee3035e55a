/**
 * Symmetric RTP without bleed: which source is a leg's phone, and where its media goes.
 *
 * RTP has no authentication of its own. A relay that believes the first packet that comes ("latching") hands the call to
 * whoever sprays its ports (RTP bleed: CVE-2017-14099, CVE-2025-53399) and plays what they send (inject). So:
 *
 *  1. We send where the description says, and go on doing so unless 4 or 6 says otherwise. A packet by itself moves nothing.
 *  2. Only two IP addresses can ever be the phone's: the signalled one and the `source` its SIP came from, which was
 *     authenticated. Every other host is `foreign`: nothing of it is forwarded and nothing is ever sent to it.
 *  3. `direct`: the description names the IP that SIP came from. There is no NAT to see through, so the signalled
 *     address:port is the phone: its packets pin it at once, and displace any other pin. Until it has spoken, another
 *     port of that IP is let in (phones with asymmetric ports), pinned to the first; but sending stays as signalled, since
 *     that other port may be a neighbour behind one address.
 *  4. `behind NAT`: the description names an IP that SIP did not come from. The phone's media comes through some port of
 *     `source` that nobody could know beforehand, so the first valid RTP from there is learned and sending moves to it.
 *     The signalled address:port is taken as well if it speaks first (a media gateway beside its SIP proxy).
 *  5. A pin is for address and port; all others are dropped and counted. Its SSRC is remembered, not enforced: phones
 *     change it for music on hold or share a port among several, and a host that can forge address and port is not
 *     stopped by 32 bits that it may read off the wire.
 *  6. A NAT that rebinds: after the pin has been silent for `rebindAfter`, another port of the *same IP* with the *same
 *     SSRC* takes it over; here the SSRC is the proof, for a neighbour behind that NAT has never seen it.
 *  7. Learning (3, 4) takes the first packet within `learnFor` of an offer or answer on either leg, when a start of
 *     media is expected. Later, it takes `PROBATION` packets in sequence (RFC 3550 §A.1), so that a stray one, or a port
 *     scan by somebody behind the same NAT, finds nothing to open.
 *  8. An offer or answer that changes address, port or source forgets the pin and learns anew; a repeated one does not.
 *
 * No object is made per packet. `sendTo` is replaced, never changed in place: a send queue may still hold the old one.
 */
import type { Mono, SocketAddress } from '@strowger/proto';

export const DROP_REASONS = ['unconnected', 'malformed', 'foreign', 'other-port', 'probation', 'nowhere'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What became of a packet: 0 accepted, else the drop reason's place in `DROP_REASONS` plus one. */
export type Verdict = 0 | 1 | 2 | 3 | 4 | 5 | 6;
export const ACCEPTED = 0;
export const UNCONNECTED = 1;
export const MALFORMED = 2;
export const FOREIGN = 3;
export const OTHER_PORT = 4;
export const ON_PROBATION = 5;
export const NOWHERE = 6;

export interface LatchTiming {
  /** How long after an offer or answer one packet is enough to be learned. */
  readonly learnFor: number;
  /** How long a pinned source must have been silent before it may have moved to another port. */
  readonly rebindAfter: number;
}

export const DEFAULT_LATCH_TIMING: LatchTiming = { learnFor: 10_000, rebindAfter: 3_000 };

/** Packets in sequence that a late source must show. */
export const PROBATION = 4;

type Pin = 'none' | 'exact' | 'same-ip' | 'learned';

/** Rules 1–8 for one RTP stream of one leg. */
export class Latch {
  readonly #timing: LatchTiming;
  #connected = false;
  #address = '';
  #port = 0;
  #source = '';
  #muted = false;
  #signalled: SocketAddress | undefined;
  #windowEnds = 0;

  #pin: Pin = 'none';
  #pinAddress = '';
  #pinPort = 0;
  #pinSsrc = 0;
  #lastSeen = 0;

  #tryPort = 0;
  #trySsrc = 0;
  #trySeq = 0;
  #tryCount = 0;

  /** Where to send; `undefined` is nowhere. */
  sendTo: SocketAddress | undefined;

  constructor(timing: LatchTiming) {
    this.#timing = timing;
  }

  get pin(): Pin {
    return this.#pin;
  }

  get pinAddress(): string {
    return this.#pinAddress;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Rule 2: the signalled IP or the one SIP came from. */
  knows(address: string): boolean {
    return this.#connected && (address === this.#address || address === this.#source);
  }

  /** Rule 3 holds rather than rule 4. */
  get direct(): boolean {
    return this.#source === this.#address;
  }

  /**
   * An offer or answer named this remote. `muted` receives but is never sent to (hold by address 0.0.0.0). Says whether
   * anything changed (rule 8).
   */
  signal(remote: SocketAddress, source: string, muted: boolean): boolean {
    const same = remote.address === this.#address && remote.port === this.#port && source === this.#source;
    if (this.#connected && same && muted === this.#muted) return false;
    this.#connected = true;
    this.#address = remote.address;
    this.#port = remote.port;
    this.#source = source;
    this.#muted = muted;
    this.#signalled = muted ? undefined : { address: remote.address, port: remote.port };
    this.#forget();
    return true;
  }

  /** The stream was rejected or is not described yet. */
  clear(): void {
    this.#connected = false;
    this.#signalled = undefined;
    this.#forget();
  }

  /** Rule 7: media is about to start. */
  expect(now: Mono): void {
    this.#windowEnds = now + this.#timing.learnFor;
  }

  /** For RTCP on the same port (RFC 5761), which is let in but teaches nothing. */
  holds(address: string, port: number): boolean {
    if (this.#pin !== 'none') return port === this.#pinPort && address === this.#pinAddress;
    return this.#connected && port === this.#port && address === this.#address;
  }

  accept(address: string, port: number, ssrc: number, seq: number, now: Mono): Verdict {
    if (this.#pin !== 'none' && port === this.#pinPort && address === this.#pinAddress) {
      this.#pinSsrc = ssrc;
      this.#lastSeen = now;
      return ACCEPTED;
    }
    if (!this.#connected) return UNCONNECTED;
    if (port === this.#port && address === this.#address && (this.#pin === 'none' || this.direct)) {
      return this.#take('exact', address, port, ssrc, now);
    }
    if (this.#pin !== 'none') return this.#rebind(address, port, ssrc, now);
    if (address !== this.#source) return address === this.#address ? OTHER_PORT : FOREIGN;
    if (now > this.#windowEnds && !this.#provesItself(port, ssrc, seq)) return ON_PROBATION;
    return this.#take(this.direct ? 'same-ip' : 'learned', address, port, ssrc, now);
  }

  #take(pin: Pin, address: string, port: number, ssrc: number, now: Mono): Verdict {
    this.#pin = pin;
    this.#pinAddress = address;
    this.#pinPort = port;
    this.#pinSsrc = ssrc;
    this.#lastSeen = now;
    this.sendTo = pin === 'learned' && !this.#muted ? { address, port } : this.#signalled;
    return ACCEPTED;
  }

  /** Rule 6. */
  #rebind(address: string, port: number, ssrc: number, now: Mono): Verdict {
    if (address !== this.#pinAddress) {
      return address === this.#source || address === this.#address ? OTHER_PORT : FOREIGN;
    }
    if (ssrc !== this.#pinSsrc || now - this.#lastSeen <= this.#timing.rebindAfter) return OTHER_PORT;
    return this.#take(this.#pin === 'same-ip' ? 'same-ip' : 'learned', address, port, ssrc, now);
  }

  /** Rule 7, for whoever is late. The IP is `source` already. */
  #provesItself(port: number, ssrc: number, seq: number): boolean {
    const next = port === this.#tryPort && ssrc === this.#trySsrc && seq === ((this.#trySeq + 1) & 0xffff);
    this.#tryCount = next ? this.#tryCount + 1 : 1;
    this.#tryPort = port;
    this.#trySsrc = ssrc;
    this.#trySeq = seq;
    return this.#tryCount >= PROBATION;
  }

  #forget(): void {
    this.#pin = 'none';
    this.#pinAddress = '';
    this.#tryCount = 0;
    this.sendTo = this.#signalled;
  }
}
