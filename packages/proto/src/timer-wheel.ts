/**
 * A hierarchical timer wheel: setting, moving and stopping a timer cost O(1) and allocate nothing, for the hundred
 * thousands of transactions that are alive at once and mostly never fire. Four levels of 256 slots, 8 ms a tick: 397
 * days, and beyond that a timer comes round again. No clock: the host says what time it is (`advance`) and asks when to
 * come again (`nextDue`).
 */
import { asMono, type Mono } from './time.ts';

const TICK = 8;
const SLOTS = 256;
const LEVELS = 4;
/** Ticks that one slot of a level spans; the last entry is the whole wheel. */
const SPAN = [1, SLOTS, SLOTS ** 2, SLOTS ** 3, SLOTS ** 4] as const;

/** Something with one deadline. It carries its own links, so that a timer needs no object besides its owner. */
export abstract class Timed {
  /** @internal */ wheelPrev: Timed | undefined;
  /** @internal */ wheelNext: Timed | undefined;
  /** @internal */ wheelSlot = -1;
  /** @internal The how-manieth setting this was: breaks the tie between equal deadlines. */ wheelOrder = 0;
  /** When it is to fire; meaningful while it is set. */
  due: Mono = asMono(0);

  abstract onDue(now: Mono): void;

  get isSet(): boolean {
    return this.wheelSlot >= 0;
  }
}

export class TimerWheel {
  readonly #heads: (Timed | undefined)[] = new Array(SLOTS * LEVELS).fill(undefined);
  /** Timers per level, so that empty levels are passed over. */
  readonly #counts: number[] = new Array(LEVELS).fill(0);
  #tick: number;
  #size = 0;
  #settings = 0;
  /** What `nextDue` found, for as long as nothing can be due before it. */
  #next: Mono | undefined;

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
    this.#settings += 1;
    timer.wheelOrder = this.#settings;
    this.#link(timer);
    if (this.#next !== undefined && at < this.#next) this.#next = at;
  }

  stop(timer: Timed): void {
    if (timer.wheelSlot >= 0) this.#unlink(timer);
  }

  /**
   * Fires all that is due: in order of deadlines within a tick, and of setting where those are equal. Timers set while
   * it runs for a time not after `now` fire in this call as well. Not to be called from `onDue`.
   */
  advance(now: Mono): void {
    if (this.#next !== undefined && now >= this.#next) this.#next = undefined;
    const target = Math.floor(now / TICK);
    // Whether a cascade is owed for the present tick: not if we stand where the last call left us.
    let arrived = false;
    for (;;) {
      if (this.#size === 0) {
        this.#tick = Math.max(this.#tick, target);
        return;
      }
      if (arrived && this.#tick % SLOTS === 0) this.#cascade(1);
      this.#fire(this.#tick % SLOTS, now);
      if (this.#tick >= target) return;
      this.#tick = Math.min(this.#nextStop(), target);
      arrived = true;
    }
  }

  /**
   * The earliest moment at which `advance` may have work: exact for what is due within two seconds, never late, and else
   * the moment at which timers come down a level. `undefined` when nothing is set.
   */
  nextDue(): Mono | undefined {
    if (this.#size === 0) return undefined;
    this.#next ??= this.#findNext();
    return this.#next;
  }

  #findNext(): Mono {
    let next = Number.POSITIVE_INFINITY;
    for (let level = 0; level < LEVELS; level += 1) {
      if (this.#counts[level] === 0) continue;
      const span = SPAN[level] ?? 1;
      const base = Math.floor(this.#tick / span);
      // Level 0 begins with the present slot; above it the present slot is empty but for what is a whole turn away.
      for (let i = level === 0 ? 0 : 1; i <= SLOTS; i += 1) {
        const head = this.#heads[level * SLOTS + ((base + i) % SLOTS)];
        if (head === undefined) continue;
        next = Math.min(next, level === 0 ? earliest(head) : (base + i) * span * TICK);
        break;
      }
    }
    return asMono(next);
  }

  /** The next tick that may hold anything: the next slot, or the next cascade of the lowest level that has timers. */
  #nextStop(): number {
    let level = 0;
    while (level < LEVELS - 1 && this.#counts[level] === 0) level += 1;
    const span = SPAN[level] ?? 1;
    return (Math.floor(this.#tick / span) + 1) * span;
  }

  #fire(slot: number, now: Mono): void {
    while (this.#heads[slot] !== undefined) {
      const due: Timed[] = [];
      for (let t: Timed | undefined = this.#heads[slot]; t; t = t.wheelNext) if (t.due <= now) due.push(t);
      if (due.length === 0) return;
      if (due.length > 1) due.sort((a, b) => a.due - b.due || a.wheelOrder - b.wheelOrder);
      // A timer that an earlier one stopped must not fire, one that was moved fires as what it now is.
      const orders = due.map((t) => t.wheelOrder);
      for (const [i, timer] of due.entries()) {
        if (timer.wheelSlot < 0 || timer.wheelOrder !== orders[i]) continue;
        this.#unlink(timer);
        timer.onDue(now);
      }
    }
  }

  #cascade(level: number): void {
    if (level >= LEVELS) return;
    const slot = Math.floor(this.#tick / (SPAN[level] ?? 1)) % SLOTS;
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
    // What is due beyond the wheel's turn waits in the last slot it has and is placed anew from there.
    const tick = Math.min(Math.max(Math.floor(timer.due / TICK), this.#tick), this.#tick + SPAN[LEVELS] - 1);
    const distance = tick - this.#tick;
    let level = 0;
    while (level < LEVELS - 1 && distance >= (SPAN[level + 1] ?? 0)) level += 1;
    const index = level * SLOTS + (Math.floor(tick / (SPAN[level] ?? 1)) % SLOTS);
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
    const level = Math.floor(index / SLOTS);
    this.#counts[level] = (this.#counts[level] ?? 0) - 1;
    this.#size -= 1;
    if (this.#next !== undefined && timer.due <= this.#next) this.#next = undefined;
  }
}

function earliest(head: Timed): Mono {
  let due = head.due;
  for (let t = head.wheelNext; t; t = t.wheelNext) if (t.due < due) due = t.due;
  return due;
}
