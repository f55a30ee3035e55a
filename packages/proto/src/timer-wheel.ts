/**
 * A hierarchical timer wheel: setting, moving and stopping a timer cost O(1) and allocate nothing, for the hundred
 * thousands of transactions that are alive at once and mostly never fire. Four levels of 256 slots, 8 ms a tick: 397
 * days. No clock: the host says what time it is (`advance`) and asks when to come again (`nextDue`).
 */
import { asMono, type Mono } from './time.ts';

const TICK = 8;
const BITS = 8;
const SLOTS = 1 << BITS;
const LEVELS = 4;

/** Something with one deadline. It carries its own links, so that a timer needs no object besides its owner. */
export abstract class Timed {
  /** @internal */ wheelPrev: Timed | undefined;
  /** @internal */ wheelNext: Timed | undefined;
  /** @internal */ wheelSlot = -1;
  /** When it is to fire; meaningful while it is set. */
  due: Mono = asMono(0);

  abstract onDue(now: Mono): void;
}

export class TimerWheel {
  readonly #heads: (Timed | undefined)[] = new Array(SLOTS * LEVELS).fill(undefined);
  /** Timers per level, so that empty levels are passed over. */
  readonly #counts = new Int32Array(LEVELS);
  #tick: number;
  #size = 0;

  constructor(now: Mono) {
    this.#tick = Math.floor(now / TICK);
  }

  get size(): number {
    return this.#size;
  }

  /** Sets or moves a timer. It fires in the first `advance` at or after `at`, never before it. */
  set(timer: Timed, at: Mono): void {
    if (timer.wheelSlot >= 0) this.#unlink(timer);
    timer.due = at;
    this.#link(timer);
  }

  stop(timer: Timed): void {
    if (timer.wheelSlot >= 0) this.#unlink(timer);
  }

  /** Fires all that is due. Timers set while it runs for a time not after `now` fire in this call as well. */
  advance(now: Mono): void {
    const target = Math.floor(now / TICK);
    while (this.#tick <= target) {
      if (this.#size === 0) {
        this.#tick = target + 1;
        return;
      }
      const slot = this.#tick & (SLOTS - 1);
      if (slot === 0) this.#cascade(1);
      // Within the present tick only what is due by `now` goes; the rest waits for the next call.
      if (this.#fire(slot, now) && this.#tick === target) return;
      if (this.#tick === target) return;
      this.#tick += 1;
    }
  }

  /**
   * The earliest moment at which `advance` may have work: exact within the next two seconds, else the next cascade.
   * `undefined` when nothing is set.
   */
  nextDue(): Mono | undefined {
    if (this.#size === 0) return undefined;
    if (this.#counts[0] === 0) return asMono((Math.floor(this.#tick / SLOTS) + 1) * SLOTS * TICK);
    for (let i = 0; i < SLOTS; i += 1) {
      const tick = this.#tick + i;
      if (i > 0 && (tick & (SLOTS - 1)) === 0 && this.#size > (this.#counts[0] ?? 0)) return asMono(tick * TICK);
      let earliest: Mono | undefined;
      for (let t = this.#heads[tick & (SLOTS - 1)]; t; t = t.wheelNext) {
        if (earliest === undefined || t.due < earliest) earliest = t.due;
      }
      if (earliest !== undefined) return earliest;
    }
    return undefined;
  }

  #fire(slot: number, now: Mono): boolean {
    let left = false;
    for (;;) {
      let due: Timed | undefined;
      left = false;
      for (let t = this.#heads[slot]; t; t = t.wheelNext) {
        if (t.due > now) left = true;
        // In order of their deadlines, so that a run is the same however late the host came.
        else if (due === undefined || t.due <= due.due) due = t;
      }
      if (due === undefined) return left;
      this.#unlink(due);
      due.onDue(now);
    }
  }

  #cascade(level: number): void {
    if (level >= LEVELS) return;
    const slot = (this.#tick >> (BITS * level)) & (SLOTS - 1);
    if (slot === 0) this.#cascade(level + 1);
    let t = this.#heads[level * SLOTS + slot];
    while (t) {
      const next = t.wheelNext;
      this.#unlink(t);
      this.#link(t);
      t = next;
    }
  }

  #link(timer: Timed): void {
    const tick = Math.max(Math.floor(timer.due / TICK), this.#tick);
    const distance = tick - this.#tick;
    let level = 0;
    // A level holds what falls in its present turn: beyond that the next level up has it until a cascade brings it down.
    while (level < LEVELS - 1 && distance >= 1 << (BITS * (level + 1))) level += 1;
    const place = Math.min(tick, this.#tick + 0x7fffffff);
    const index = level * SLOTS + (Math.floor(place / 2 ** (BITS * level)) & (SLOTS - 1));
    const head = this.#heads[index];
    timer.wheelSlot = index;
    timer.wheelPrev = undefined;
    timer.wheelNext = head;
    if (head) head.wheelPrev = timer;
    this.#heads[index] = timer;
    this.#counts[level] = (this.#counts[level] ?? 0) + 1;
    this.#size += 1;
  }

  #unlink(timer: Timed): void {
    const index = timer.wheelSlot;
    if (timer.wheelPrev) timer.wheelPrev.wheelNext = timer.wheelNext;
    else this.#heads[index] = timer.wheelNext;
    if (timer.wheelNext) timer.wheelNext.wheelPrev = timer.wheelPrev;
    timer.wheelPrev = undefined;
    timer.wheelNext = undefined;
    timer.wheelSlot = -1;
    const level = index >> BITS;
    this.#counts[level] = (this.#counts[level] ?? 0) - 1;
    this.#size -= 1;
  }
}
