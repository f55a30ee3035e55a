/** One direction between two hosts: what it does to packets, by a seed of its own. */
import { asMono, type Mono } from '@strowger/proto';
import type { Prng } from './prng.ts';

export interface LinkConditions {
  /** One way. */
  readonly delayMs: number;
  /** Added to the delay, evenly between nothing and this. Packets keep their order all the same. */
  readonly jitterMs: number;
  /** The share of packets that never arrive; on a stream each costs a retransmission's time instead. */
  readonly loss: number;
  /** The share that arrives twice. */
  readonly duplicate: number;
  /** The share that is held back, so that later ones pass it. */
  readonly reorder: number;
  /** For how long at most. */
  readonly reorderMs: number;
}

export const CALM: LinkConditions = { delayMs: 10, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0, reorderMs: 50 };

/** TCP's initial retransmission timeout, RFC 6298 §2.1. */
const RETRANSMISSION_MS = 1000;

export class Link {
  conditions: LinkConditions;
  /** Nothing passes. */
  cut = false;
  readonly #prng: Prng;
  #last: Mono = asMono(0);

  constructor(conditions: LinkConditions, prng: Prng) {
    this.conditions = conditions;
    this.#prng = prng;
  }

  /** When a datagram arrives: not at all, once or twice. */
  datagram(now: Mono): readonly Mono[] {
    const { loss, duplicate } = this.conditions;
    // Drawn always, so that a change of one condition does not shift what the others do.
    const lost = this.#prng.chance(loss);
    const twice = this.#prng.chance(duplicate);
    const first = this.#arrival(now);
    if (lost || this.cut) return [];
    return twice ? [first, asMono(first + this.#prng.between(0, 5))] : [first];
  }

  /** When a piece of a stream arrives that may not pass `after`, the piece before it. */
  piece(now: Mono, after: Mono): Mono {
    let at = now + this.conditions.delayMs + this.#prng.between(0, this.conditions.jitterMs);
    for (let tries = 0; tries < 6 && this.#prng.chance(this.conditions.loss); tries += 1) {
      at += RETRANSMISSION_MS * 2 ** tries;
    }
    return asMono(Math.max(at, after));
  }

  #arrival(now: Mono): Mono {
    const { delayMs, jitterMs, reorder, reorderMs } = this.conditions;
    const at = now + delayMs + this.#prng.between(0, jitterMs);
    const held = this.#prng.chance(reorder);
    const extra = this.#prng.between(0, reorderMs);
    if (held) return asMono(at + extra);
    this.#last = asMono(Math.max(at, this.#last));
    return this.#last;
  }
}
