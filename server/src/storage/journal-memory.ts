/** A journal without a disk, for scenario tests: what was flushed survives the "process" that a test kills. */
import type { Wall } from '@strowger/proto';
import { asWall } from '@strowger/proto';
import type { Journal } from './journal.ts';

/** The disk of one simulated node: give the same one to the next boot. */
export class JournalMemory {
  readonly records: Map<string, Map<string, { readonly json: string; readonly until: number }>> = new Map();
  /** Set to make flushes fail, as a full disk would. */
  failWith: Error | undefined;
}

export function openMemoryJournal(memory: JournalMemory, now: Wall = asWall(0)): Journal {
  let bytes = 0;
  let appended: { space: string; key: string; json: string; until: number }[] = [];
  return {
    load() {
      const spaces = new Map<string, Map<string, unknown>>();
      for (const [space, records] of memory.records) {
        const live = [...records].filter(([, { until }]) => until === 0 || until > now);
        spaces.set(space, new Map(live.map(([key, { json }]) => [key, JSON.parse(json)])));
      }
      return spaces;
    },
    append(space, key, record, until) {
      const json = record === null ? '' : JSON.stringify(record);
      appended.push({ space, key, json, until: until ?? 0 });
      bytes += json.length;
      return bytes;
    },
    flush() {
      const batch = appended;
      appended = [];
      bytes = 0;
      if (memory.failWith) throw memory.failWith;
      for (const { space, key, json, until } of batch) {
        const records = memory.records.get(space) ?? new Map();
        memory.records.set(space, records);
        if (json === '') records.delete(key);
        else records.set(key, { json, until });
      }
    },
    rotate: () => 0,
    close() {
      this.flush();
    },
  };
}
