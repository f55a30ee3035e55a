/** Counters that are read seldom and counted often: a name is looked up once, then counting is one addition. */
export interface Counter {
  value: number;
}

export class Counters {
  readonly #all = new Map<string, Counter>();

  of(name: string): Counter {
    let counter = this.#all.get(name);
    if (!counter) {
      counter = { value: 0 };
      this.#all.set(name, counter);
    }
    return counter;
  }

  report(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#all].sort().map(([name, { value }]) => [name, value]));
  }
}
