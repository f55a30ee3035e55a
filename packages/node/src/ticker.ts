import type { Clock, Mono, Ticker, TimerWheel } from '@strowger/proto';

export interface TickerOptions {
  /** Told before the wheel is advanced, for hosts that measure how late the loop is. */
  readonly onTick?: (now: Mono, lateMs: number) => void;
  /** Whether a set timer keeps the process alive. Default true. */
  readonly keepAlive?: boolean;
}

/** The longest that `setTimeout` can count, less a margin. */
const LONGEST_MS = 2 ** 31 - 1024;

/** Drives a wheel with one `setTimeout` for all of its timers. */
export function createTicker(wheel: TimerWheel, clock: Clock, options: TickerOptions = {}): Ticker {
  let timeout: NodeJS.Timeout | undefined;
  let armedFor = Number.POSITIVE_INFINITY;
  let stopped = false;

  const disarm = () => {
    clearTimeout(timeout);
    timeout = undefined;
    armedFor = Number.POSITIVE_INFINITY;
  };

  const arm = () => {
    if (stopped) return;
    const due = wheel.nextDue();
    if (due === undefined) return disarm();
    // A timer that fires early only looks and sets itself again; moving it for each later deadline would cost more.
    if (armedFor <= due) return;
    disarm();
    armedFor = due;
    // Rounded up: a timeout may come a fraction early by the finer clock, and would find nothing due.
    timeout = setTimeout(tick, Math.min(Math.max(1, Math.ceil(due - clock.now())), LONGEST_MS));
    if (options.keepAlive === false) timeout.unref();
  };

  const tick = () => {
    const now = clock.now();
    options.onTick?.(now, Math.max(0, now - armedFor));
    timeout = undefined;
    armedFor = Number.POSITIVE_INFINITY;
    try {
      wheel.advance(now);
    } finally {
      // One timer's throw is its owner's failure; the others must still get their time.
      arm();
    }
  };

  return {
    poke: arm,
    stop() {
      stopped = true;
      disarm();
    },
  };
}
