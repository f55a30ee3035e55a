/**
 * When queued packets leave: after the callback that queued them and all of its microtasks. So an answer that was
 * computed behind a resolved promise leaves in the same turn, and a host can make its journal durable once, before all
 * the answers of a batch (`beforeFlush`).
 */
export class Turn {
  readonly #flushers: (() => void)[] = [];
  readonly #beforeFlush: (() => void) | undefined;
  #scheduled = false;

  constructor(beforeFlush?: () => void) {
    this.#beforeFlush = beforeFlush;
  }

  /** Adds a queue that is emptied at each flush, in order of adding. */
  add(flush: () => void): void {
    this.#flushers.push(flush);
  }

  /** Something was queued: flush at the end of this turn. */
  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A tick that is queued from a microtask runs when no microtask is left.
    queueMicrotask(() => process.nextTick(this.#run));
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    this.#beforeFlush?.();
    for (const flush of this.#flushers) flush();
  };
}
