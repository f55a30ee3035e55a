/**
 * The registry of bounds: the queues, maps and buffers of kernel, host and modules that a stranger's traffic can fill
 * stand here with their cap and with what happens when they are full. What keeps count by `take` and `release` declares
 * it; what is bounded elsewhere is observed. Not listed is what belongs to a listed thing and is bounded with it (the
 * state of one transaction, one dialog, one connection), what has a fixed size (the trace), and the media process.
 */
export interface BoundSpec {
  /** Kebab-case, `module.what`. Also the metric's name. */
  readonly name: string;
  readonly cap: number;
  /** What the one at the door is told: the sentence an administrator reads. */
  readonly whenFull: string;
}

export class Bound {
  readonly spec: BoundSpec;
  #used = 0;
  #peak = 0;
  #refused = 0;

  constructor(spec: BoundSpec) {
    this.spec = spec;
  }

  /** Takes `n` places, or refuses and counts the refusal. */
  take(n = 1): boolean {
    if (this.#used + n > this.spec.cap) {
      this.#refused += 1;
      return false;
    }
    this.#used += n;
    if (this.#used > this.#peak) this.#peak = this.#used;
    return true;
  }

  release(n = 1): void {
    if (n > this.#used) throw new RangeError(`bound ${this.spec.name}: released more than was taken`);
    this.#used -= n;
  }

  get used(): number {
    return this.#used;
  }

  report(): BoundReport {
    return { ...this.spec, used: this.#used, peak: this.#peak, refused: this.#refused };
  }
}

/** A bound that its owner keeps by itself, by forgetting or refusing; here it is counted alone. */
export interface ObservedBound extends BoundSpec {
  used(): number;
}

export interface BoundReport extends BoundSpec {
  readonly used: number;
  readonly peak: number;
  readonly refused: number;
}

export class Bounds {
  readonly #all = new Map<string, Bound | ObservedBound>();

  declare(spec: BoundSpec): Bound {
    if (this.#all.has(spec.name)) throw new Error(`the bound ${spec.name} is declared twice`);
    const bound = new Bound(spec);
    this.#all.set(spec.name, bound);
    return bound;
  }

  observe(bound: ObservedBound): void {
    if (this.#all.has(bound.name)) throw new Error(`the bound ${bound.name} is declared twice`);
    this.#all.set(bound.name, bound);
  }

  /** How much of a bound is used; none of one that nobody declared. */
  used(name: string): number {
    const bound = this.#all.get(name);
    return bound instanceof Bound ? bound.used : (bound?.used() ?? 0);
  }

  report(): readonly BoundReport[] {
    return [...this.#all.values()].map((bound) => {
      if (bound instanceof Bound) return bound.report();
      const { name, cap, whenFull } = bound;
      return { name, cap, whenFull, used: bound.used(), peak: bound.used(), refused: 0 };
    });
  }
}
