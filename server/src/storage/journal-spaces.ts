/**
 * The journal as its users see it: each a map of its own. What a failed write lost is written again with the next, so
 * that state in memory and in the journal agree as soon as the disk lets them; `sound` says whether they do.
 */
import type { Wall } from '@strowger/proto';
import type { Journal } from './journal.ts';

/** One user's part: records by key. */
export interface JournalPart<T> {
  /** What the last boot left. The first call has it, later ones have nothing. */
  load(): ReadonlyMap<string, T>;
  put(key: string, record: T, until?: Wall): void;
  delete(key: string): void;
}

export interface JournalSpaces {
  /** A second user of one name is a bug. */
  space<T>(name: string): JournalPart<T>;
  /** Throws when what was put is not safe; it is tried again by the next call. */
  flush(): void;
  /** False from a failed flush to the next that succeeds: promise nothing meanwhile. */
  readonly sound: boolean;
  /** Records that are not safe yet: no more than the keys there are, and those that the journal still has. */
  readonly owed: number;
}

/** What the journal has, or may have, of one user: a key that it never had needs no word of its end. */
interface Space {
  readonly name: string;
  readonly written: Set<string>;
}

interface Owed {
  readonly space: Space;
  readonly key: string;
  readonly record: unknown;
  readonly until?: Wall | undefined;
}

/** Written in one piece at most: with the largest record on top it is far below what the journal can hold. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Remembers what is owed until the disk has it, whatever that takes. */
class Debts {
  readonly #journal: Journal;
  /** Put and not yet safe, the latest of each key. */
  readonly #owed = new Map<string, Owed>();
  /** Of those, what waits in the journal's buffer. */
  readonly #buffered = new Map<string, Owed>();
  /** Keys that the journal gets to know by what is in its buffer. */
  readonly #fresh: Owed[] = [];
  #full = false;
  #sound = true;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get size(): number {
    return this.#owed.size;
  }

  get sound(): boolean {
    return this.#sound;
  }

  add(one: Owed): void {
    const { space, key, record } = one;
    const at = `${space.name} ${key}`;
    // Born and gone while nothing could be written: calls of a long outage leave nothing here.
    if (record === null && !space.written.has(key)) return void this.#owed.delete(at);
    if (this.#sound && !this.#full) this.#append(at, one);
    else this.#buffered.delete(at);
    this.#owed.set(at, one);
  }

  pay(): void {
    if (this.#owed.size === 0 && this.#sound) return;
    this.#sound = false;
    const refused: unknown[] = [];
    this.#write();
    for (const [at, one] of this.#owed) {
      try {
        this.#append(at, one);
      } catch (error) {
        // A batch has room for any record that can be written: this one never can, and must not keep the others back.
        this.#owed.delete(at);
        refused.push(error);
      }
      if (this.#full) this.#write();
    }
    this.#write();
    this.#sound = true;
    if (refused.length > 0) throw refused[0];
  }

  #append(at: string, one: Owed): void {
    const { space, key, record, until } = one;
    this.#full = this.#journal.append(space.name, key, record, until) >= BATCH_BYTES;
    this.#buffered.set(at, one);
    if (record === null || space.written.has(key)) return;
    space.written.add(key);
    this.#fresh.push(one);
  }

  /** What a failed write had is owed still; what was written before it is not. */
  #write(): void {
    try {
      this.#journal.flush();
    } catch (error) {
      for (const { space, key } of this.#fresh) space.written.delete(key);
      this.#forgetBuffer();
      throw error;
    }
    for (const [at, { space, key, record }] of this.#buffered) {
      if (record === null) space.written.delete(key);
      this.#owed.delete(at);
    }
    this.#forgetBuffer();
  }

  #forgetBuffer(): void {
    this.#buffered.clear();
    this.#fresh.length = 0;
    this.#full = false;
  }
}

export function journalSpaces(journal: Journal): JournalSpaces {
  const loaded = journal.load();
  const taken = new Set<string>();
  const debts = new Debts(journal);
  return {
    get sound() {
      return debts.sound;
    },
    get owed() {
      return debts.size;
    },
    space<T>(name: string): JournalPart<T> {
      if (taken.has(name)) throw new Error(`the journal's space ${name} has an owner already`);
      taken.add(name);
      const space: Space = { name, written: new Set(loaded.get(name)?.keys()) };
      return {
        load() {
          const records = loaded.get(name) ?? new Map<string, unknown>();
          loaded.delete(name);
          return records as ReadonlyMap<string, T>;
        },
        put: (key, record, until) => debts.add({ space, key, record, until }),
        delete: (key) => debts.add({ space, key, record: null }),
      };
    },
    flush: () => debts.pay(),
  };
}
