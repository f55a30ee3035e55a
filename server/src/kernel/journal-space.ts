/** One module's part of the journal: a map that survives `kill -9`. Writes leave with the batch that promised them. */
import type { Wall } from '@strowger/proto';

export interface JournalSpace<T> {
  /** What the last boot left; handed out once, at start. */
  load(): ReadonlyMap<string, T>;
  /** After `until` the record may be forgotten. */
  put(key: string, record: T, until?: Wall): void;
  delete(key: string): void;
}
