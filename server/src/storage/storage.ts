/** What signalling holds of storage, whichever thread the database is in. */

import type { StoreClient, StoreDefinition } from './define-store.ts';
import type { StorageError } from './errors.ts';
import type { MergeReport } from './journal-merge.ts';

export interface Storage {
  /** The typed face of a store; the definition must be among those the storage was opened with. */
  store<D extends StoreDefinition>(definition: D): StoreClient<D>;
  /** Folds the journal's closed segments up to `through` into a snapshot. */
  mergeJournal(dir: string, through: number): Promise<MergeReport>;
  /** Told when the storage thread died, after its pending calls were rejected. `final` when it will not be started again. */
  onDown(handler: (error: StorageError, final: boolean) => void): void;
  counters(): StorageCounters;
  /** Waits for all that was asked, then closes the database. Later calls are refused with STORE_CLOSED. */
  close(): Promise<void>;
}

export interface StorageCounters {
  /** Asked and not yet answered; bounded by `maxPending`. */
  readonly pending: number;
  readonly calls: number;
  readonly failures: number;
  /** Refused because the queue was full. */
  readonly rejected: number;
  readonly restarts: number;
}
