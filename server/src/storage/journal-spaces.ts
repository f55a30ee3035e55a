/** The journal as its users see it: each a map of its own. */
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
  flush(): void;
}

export function journalSpaces(journal: Journal): JournalSpaces {
  const loaded = journal.load();
  const taken = new Set<string>();
  return {
    space<T>(name: string): JournalPart<T> {
      if (taken.has(name)) throw new Error(`the journal's space ${name} has an owner already`);
      taken.add(name);
      return {
        load() {
          const records = loaded.get(name) ?? new Map<string, unknown>();
          loaded.delete(name);
          return records as ReadonlyMap<string, T>;
        },
        put: (key, record, until) => journal.append(name, key, record, until),
        delete: (key) => journal.append(name, key, null),
      };
    },
    flush: () => journal.flush(),
  };
}
