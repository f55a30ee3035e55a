/**
 * An ordered chain of deciders, `screen` and `route` being two. Each says before and after whom it stands, by name; a
 * name that is not there is ignored, so that a feature can be deleted. Contradictions end the boot with a sentence.
 */
export interface Link<F> {
  readonly name: string;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly run: F;
}

export class Chain<F> {
  readonly name: string;
  readonly #links: Link<F>[] = [];
  #order: readonly Link<F>[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  add(link: Link<F>): void {
    if (this.#order) throw new Error(`chain ${this.name}: ${link.name} came after the boot was over`);
    if (this.#links.some(({ name }) => name === link.name)) {
      throw new Error(`chain ${this.name}: two links are called ${link.name}`);
    }
    this.#links.push(link);
  }

  /** The links in order; fixed at the first call. */
  links(): readonly Link<F>[] {
    this.#order ??= order(this.name, this.#links);
    return this.#order;
  }
}

/** Kahn's algorithm; among the free ones the first declared goes first, so that the order never depends on chance. */
function order<F>(chain: string, links: readonly Link<F>[]): readonly Link<F>[] {
  const precedes = (a: Link<F>, b: Link<F>) =>
    a.before?.includes(b.name) === true || b.after?.includes(a.name) === true;
  const waiting = [...links];
  const sorted: Link<F>[] = [];
  while (waiting.length > 0) {
    const free = waiting.findIndex((link) => !waiting.some((other) => other !== link && precedes(other, link)));
    if (free < 0) {
      throw new Error(`chain ${chain}: no order satisfies ${waiting.map(({ name }) => name).join(', ')}`);
    }
    sorted.push(...waiting.splice(free, 1));
  }
  return sorted;
}
