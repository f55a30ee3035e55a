/**
 * Time that moves only when told to, from event to event. Events of one moment run in the order in which they were
 * asked for, so a run is the same each time. After each event promises settle (`run`, `until`) and what hosts queued
 * leaves.
 */
import { asMono, asWall, type Clock, later, type Mono, type Ticker, type TimerWheel, type Wall } from '@strowger/proto';

/** Something that will happen. */
export interface Appointment {
  readonly at: Mono;
  cancel(): void;
}

interface Entry {
  readonly at: Mono;
  readonly order: number;
  run: (() => void) | undefined;
}

export interface VirtualClockOptions {
  /** UTC at virtual time zero. Default 2026-01-01T00:00:00Z. */
  readonly wall?: Wall;
  /** Events after which a run is called endless. Default 5,000,000. */
  readonly maxEvents?: number;
}

/** 2026-01-01T00:00:00Z. */
const EPOCH = asWall(1_767_225_600_000);

export class VirtualClock implements Clock {
  readonly #wallAtZero: Wall;
  readonly #maxEvents: number;
  readonly #heap: Entry[] = [];
  #closing: (() => void)[] = [];
  #now: Mono = asMono(0);
  #orders = 0;
  #events = 0;

  constructor(options: VirtualClockOptions = {}) {
    this.#wallAtZero = options.wall ?? EPOCH;
    this.#maxEvents = options.maxEvents ?? 5_000_000;
  }

  now(): Mono {
    return this.#now;
  }

  /** Whole milliseconds, as a real clock's: it is what is stored. */
  wall(): Wall {
    return later(this.#wallAtZero, Math.floor(this.#now));
  }

  /** How many events have run. */
  get events(): number {
    return this.#events;
  }

  /** Runs `run` at that time; what is past runs next. */
  at(at: Mono, run: () => void): Appointment {
    this.#orders += 1;
    const entry: Entry = { at: asMono(Math.max(at, this.#now)), order: this.#orders, run };
    push(this.#heap, entry);
    return {
      at: entry.at,
      cancel: () => {
        entry.run = undefined;
      },
    };
  }

  after(ms: number, run: () => void): Appointment {
    return this.at(later(this.#now, ms), run);
  }

  /** Runs once the present event is over and its promises have settled: what a host's `Turn` asks for. */
  endOfEvent(run: () => void): void {
    this.#closing.push(run);
  }

  /** Drives a wheel, as a host's ticker does. */
  ticker(wheel: TimerWheel): Ticker {
    let armed: Appointment | undefined;
    let stopped = false;
    const poke = () => {
      if (stopped) return;
      const due = wheel.nextDue();
      if (due === undefined || (armed !== undefined && armed.at <= due)) return;
      armed?.cancel();
      armed = this.at(due, () => {
        armed = undefined;
        wheel.advance(this.#now);
        poke();
      });
    };
    return {
      poke,
      stop: () => {
        stopped = true;
        armed?.cancel();
      },
    };
  }

  /** Lets `ms` pass; promises settle between events. */
  async run(ms: number): Promise<void> {
    const end = later(this.#now, ms);
    await this.settle();
    for (let entry = this.#next(end); entry; entry = this.#next(end)) {
      this.#happen(entry);
      await this.settle();
    }
    this.#now = end;
  }

  /** Lets time pass until that is so. False if it is not so within `ms`. */
  async until(condition: () => boolean, ms = 600_000): Promise<boolean> {
    const end = later(this.#now, ms);
    await this.settle();
    while (!condition()) {
      const entry = this.#next(end);
      if (!entry) {
        this.#now = end;
        return condition();
      }
      this.#happen(entry);
      await this.settle();
    }
    return true;
  }

  /** Lets `ms` pass at once, for what uses no promises. */
  advance(ms: number): void {
    const end = later(this.#now, ms);
    this.#close();
    for (let entry = this.#next(end); entry; entry = this.#next(end)) {
      this.#happen(entry);
      this.#close();
    }
    this.#now = end;
  }

  /** Lets every pending promise settle and what was queued leave, in no time. */
  async settle(): Promise<void> {
    await macrotask();
    while (this.#closing.length > 0) {
      this.#close();
      await macrotask();
    }
  }

  #happen(entry: Entry): void {
    this.#now = entry.at;
    this.#events += 1;
    if (this.#events > this.#maxEvents) throw new Error(`no end after ${this.#maxEvents} events, at ${this.#now} ms`);
    entry.run?.();
  }

  #close(): void {
    while (this.#closing.length > 0) {
      const closing = this.#closing;
      this.#closing = [];
      for (const run of closing) run();
    }
  }

  /** The next event not after `end`, taken out. */
  #next(end: Mono): Entry | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > end) return undefined;
      pop(this.#heap);
      if (first.run) return first;
    }
  }
}

interface Scheduling {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly setTimeout: (run: () => void, ms: number) => unknown;
}

/** The runtime comes back only when no microtask is left, so nothing here depends on how long real time takes. */
function macrotask(): Promise<void> {
  const { setImmediate, setTimeout } = globalThis as unknown as Scheduling;
  // lint-allow pure-time: it lets microtasks run; how long that takes decides nothing
  return new Promise((resolve) => (setImmediate ? setImmediate(resolve) : setTimeout(resolve, 0)));
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** A binary heap, first entry first. */
function push(heap: Entry[], entry: Entry): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const up = (i - 1) >> 1;
    const parent = heap[up] as Entry;
    if (!before(entry, parent)) break;
    heap[i] = parent;
    i = up;
  }
  heap[i] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let down = 2 * i + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && before(heap[down + 1] as Entry, heap[down] as Entry)) down += 1;
    if (!before(heap[down] as Entry, last)) break;
    heap[i] = heap[down] as Entry;
    i = down;
  }
  heap[i] = last;
}
