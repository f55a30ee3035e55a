/**
 * A table whose places are found by number, without a search. A key is `generation · slot` in one number, so that a key
 * of something that has gone finds nothing even when its place is taken again. Holding a key holds nothing else.
 */
const SLOT_BITS = 22;

/** Places at most: four million. */
export const MAX_SLOTS: number = 2 ** SLOT_BITS;
const MAX_GENERATION = 2 ** 24;

export class Slots<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  /** Puts what `make` builds for its key, and returns it. */
  add(make: (key: number) => T): T {
    const slot = this.#free.pop() ?? this.#items.length;
    if (slot >= MAX_SLOTS) throw new RangeError(`more than ${MAX_SLOTS} transactions at once`);
    const item = make(this.#generation(slot) * MAX_SLOTS + slot);
    this.#items[slot] = item;
    return item;
  }

  get(key: number): T | undefined {
    const slot = slotOf(key);
    return this.#generation(slot) === generationOf(key) ? this.#items[slot] : undefined;
  }

  remove(key: number): void {
    if (this.get(key) === undefined) return;
    const slot = slotOf(key);
    this.#items[slot] = undefined;
    this.#generations[slot] = (this.#generation(slot) + 1) % MAX_GENERATION;
    this.#free.push(slot);
  }

  #generation(slot: number): number {
    return this.#generations[slot] ?? 0;
  }
}

export const slotOf = (key: number): number => key % MAX_SLOTS;
export const generationOf = (key: number): number => Math.floor(key / MAX_SLOTS);
export const keyOf = (slot: number, generation: number): number => generation * MAX_SLOTS + slot;
