/** What we measure of one incoming RTP stream: RFC 3550 §6.4.1 and §A.1, A.3, A.8. Numbers in place, nothing per packet. */
import type { Mono } from '@strowger/proto';
import { payloadType, sequenceNumber, timestamp } from './packet.ts';

/** RFC 3551 §6: payload types with a clock rate of their own, as far as people use them. */
const STATIC_RATES: Readonly<Record<number, number>> = {
  0: 8000, 3: 8000, 4: 8000, 5: 8000, 6: 16_000, 7: 8000, 8: 8000, 9: 8000, 10: 44_100, 11: 44_100, 12: 8000, 13: 8000,
  14: 90_000, 15: 8000, 16: 11_025, 17: 22_050, 18: 8000, 25: 90_000, 26: 90_000, 28: 90_000, 31: 90_000, 32: 90_000,
  33: 90_000, 34: 90_000,
}; // biome-ignore format: a table

/** RFC 3550 §A.1 MAX_DROPOUT: a larger jump is a new start, not a loss. */
const MAX_DROPOUT = 3000;
/** RFC 3550 §A.1 MAX_MISORDER. */
const MAX_MISORDER = 100;

export class Reception {
  packets = 0;
  bytes = 0;
  ssrc: number | undefined;
  firstAt: Mono | undefined;
  lastAt: Mono | undefined;

  /** Of stretches that ended by a change of SSRC or a jump. */
  #lostBefore = 0;
  #baseSeq = 0;
  #maxSeq = 0;
  #cycles = 0;
  #received = 0;

  #rates: Float64Array = ratesFrom({});
  #rate = 0;
  #jitter = 0;
  #jitterKnown = false;
  #transit = 0;
  #transitKnown = false;

  /** Clock rates that the description gave for its payload types. */
  describe(clockRates: Readonly<Record<string, number>>): void {
    this.#rates = ratesFrom(clockRates);
  }

  add(bytes: Uint8Array, ssrc: number, now: Mono): void {
    this.packets += 1;
    this.bytes += bytes.length;
    if (this.firstAt === undefined) this.firstAt = now;
    this.lastAt = now;
    const seq = sequenceNumber(bytes);
    if (ssrc !== this.ssrc) this.#restart(ssrc, seq);
    else this.#sequence(seq);
    this.#measureJitter(bytes, now);
  }

  /** Packets that gaps in the sequence numbers say are missing. */
  get lost(): number | undefined {
    if (this.packets === 0) return undefined;
    return this.#lostBefore + this.#lostNow();
  }

  get jitterMs(): number | undefined {
    return this.#jitterKnown ? this.#jitter : undefined;
  }

  #restart(ssrc: number, seq: number): void {
    if (this.ssrc !== undefined) this.#lostBefore += this.#lostNow();
    this.ssrc = ssrc;
    this.#baseSeq = seq;
    this.#maxSeq = seq;
    this.#cycles = 0;
    this.#received = 1;
    this.#transitKnown = false;
  }

  #sequence(seq: number): void {
    const ahead = (seq - this.#maxSeq) & 0xffff;
    if (ahead < MAX_DROPOUT) {
      if (seq < this.#maxSeq) this.#cycles += 0x10000;
      this.#maxSeq = seq;
    } else if (ahead <= 0x10000 - MAX_MISORDER) {
      this.#restart(this.ssrc ?? 0, seq);
      return;
    }
    this.#received += 1;
  }

  #lostNow(): number {
    const expected = this.#cycles + this.#maxSeq - this.#baseSeq + 1;
    return Math.max(0, expected - this.#received);
  }

  /** RFC 3550 §A.8, in milliseconds. */
  #measureJitter(bytes: Uint8Array, now: Mono): void {
    const rate = this.#rates[payloadType(bytes)] ?? 0;
    if (rate === 0) return;
    if (rate !== this.#rate) this.#transitKnown = false;
    this.#rate = rate;
    const perMs = rate / 1000;
    // Difference of transit times modulo 2^32 ticks, so that a timestamp that wraps is no jump.
    const transit = now * perMs - timestamp(bytes);
    if (this.#transitKnown) {
      let difference = (transit - this.#transit) % 0x100000000;
      if (difference > 0x80000000) difference -= 0x100000000;
      if (difference < -0x80000000) difference += 0x100000000;
      const d = Math.abs(difference) / perMs;
      // A gap in the talk or a new time base is not jitter.
      if (d < 1000) this.#jitter += (d - this.#jitter) / 16;
      this.#jitterKnown = true;
    }
    this.#transit = transit;
    this.#transitKnown = true;
  }
}

function ratesFrom(described: Readonly<Record<string, number>>): Float64Array {
  const rates = new Float64Array(128);
  for (const [type, rate] of Object.entries(STATIC_RATES)) rates[Number(type)] = rate;
  for (const [type, rate] of Object.entries(described)) {
    const index = Number(type);
    if (Number.isInteger(index) && index >= 0 && index < 128 && rate > 0) rates[index] = rate;
  }
  return rates;
}
