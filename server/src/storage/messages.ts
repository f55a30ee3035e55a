/** What the signalling thread and the storage thread say to each other. Plain data only. */
import type { Wall } from '@strowger/proto';
import type { StoreCall } from './define-store.ts';
import type { StorageFailure } from './errors.ts';
import type { StoreAnswer } from './executor.ts';
import type { MergeReport } from './journal-merge.ts';
import type { MigrationReport } from './migrate.ts';

/** Given to the thread at its start. */
export interface ThreadData {
  /** The database file. */
  readonly path: string;
  readonly backups: string;
  /** Modules that export stores, in the order in which their tables are made. */
  readonly stores: readonly { readonly module: string; readonly name: string }[];
  readonly now: Wall;
}

export type ToThread =
  | { readonly kind: 'calls'; readonly calls: readonly StoreCall[] }
  | { readonly kind: 'merge'; readonly id: number; readonly dir: string; readonly through: number; readonly now: Wall }
  | { readonly kind: 'close' };

export type FromThread =
  | { readonly kind: 'ready'; readonly report: MigrationReport }
  | { readonly kind: 'refused'; readonly failure: StorageFailure }
  | { readonly kind: 'answers'; readonly answers: readonly StoreAnswer[] }
  | { readonly kind: 'merged'; readonly id: number; readonly report: MergeReport }
  | { readonly kind: 'merge-failed'; readonly id: number; readonly failure: StorageFailure };
