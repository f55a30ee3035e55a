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
}

interface Owed {
  readonly space: string;
  readonly key: string;
  readonly record: unknown;
  readonly until?: Wall | undefined;
}

export function journalSpaces(journal: Journal): JournalSpaces {
  const loaded = journal.load();
  const taken = new Set<string>();
  /** Put since the last flush that succeeded, the latest of each key: bounded by the keys there are. */
  const owed = new Map<string, Owed>();
  let sound = true;

  const append = (one: Owed): void => {
    owed.set(`${one.space} ${one.key}`, one);
    if (sound) journal.append(one.space, one.key, one.record, one.until);
  };

  return {
    get sound() {
      return sound;
    },
    space<T>(name: string): JournalPart<T> {
      if (taken.has(name)) throw new Error(`the journal's space ${name} has an owner already`);
      taken.add(name);
      return {
        load() {
          const records = loaded.get(name) ?? new Map<string, unknown>();
          loaded.delete(name);
          return records as ReadonlyMap<string, T>;
        },
        put: (key, record, until) => append({ space: name, key, record, until }),
        delete: (key) => append({ space: name, key, record: null }),
      };
    },
    flush() {
      if (owed.size === 0) return;
      // After a failure nothing was appended: all that is owed goes now, in one piece.
      if (!sound) for (const { space, key, record, until } of owed.values()) journal.append(space, key, record, until);
      sound = false;
      journal.flush();
      sound = true;
      owed.clear();
    },
  };
}
