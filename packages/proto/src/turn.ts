/**
 * When what was queued leaves: at the end of the turn, after the callback that queued it and all of its microtasks. So
 * an answer computed behind a resolved promise leaves in the same turn, and a journal is made durable once for all the
 * answers of a batch.
 */
export class Turn {
  readonly #schedule: (run: () => void) => void;
  readonly #flushers: (() => void)[] = [];
  #once: (() => void)[] = [];
  #scheduled = false;

  /** `schedule` runs what it is given once no microtask is left: a host's, or a virtual clock's. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  /** Adds a queue that is emptied at the end of each turn that asked for it, in order of adding. */
  add(flush: () => void): void {
    this.#flushers.push(flush);
  }

  /** Something was queued. */
  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }

  /** Runs once, at the end of this turn, before anything leaves. */
  endOfTurn(run: () => void): void {
    this.#once.push(run);
    this.request();
  }

  readonly #run = (): void => {
    try {
      while (this.#once.length > 0) {
        const runs = this.#once;
        this.#once = [];
        for (const run of runs) run();
      }
    } finally {
      this.#scheduled = false;
      for (const flush of this.#flushers) flush();
    }
  };
}
