/** Storage without a thread, for tests: the same executor over a database in memory (or a file), run in microtasks. */
import type { Clock } from '@strowger/proto';
import { type StoreClient, type StoreDefinition, storeClient } from './define-store.ts';
import { StorageError } from './errors.ts';
import { StoreExecutor } from './executor.ts';
import { type MergeReport, mergeJournal } from './journal-merge.ts';
import { migrate } from './migrate.ts';
import { outboxStore } from './outbox.ts';
import { openDatabase } from './sqlite.ts';
import type { Storage } from './storage.ts';

export interface InProcessOptions {
  readonly stores: readonly StoreDefinition[];
  readonly clock: Clock;
  /** Default `:memory:`. */
  readonly path?: string;
}

/** Deterministic: no timers, no threads, no input from outside but the clock. */
export async function openInProcessStorage({ stores, clock, path = ':memory:' }: InProcessOptions): Promise<Storage> {
  const all = [outboxStore, ...stores];
  const database = openDatabase(path);
  await migrate(database, all, { now: clock.wall() });
  const executor = new StoreExecutor(database, all);
  const counts = { calls: 0, failures: 0, rejected: 0, restarts: 0 };
  let pending = 0;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  function call(store: string, query: string, tenant: string | undefined, args: readonly unknown[]): Promise<unknown> {
    if (closed) return Promise.reject(new StorageError('STORE_CLOSED', 'storage is closed'));
    counts.calls += 1;
    const id = counts.calls;
    const asked = { id, store, query, args: structuredClone(args), at: clock.wall() };
    pending += 1;
    const answer = turn.then(async () => {
      const [result] = await executor.run([tenant === undefined ? asked : { ...asked, tenant }]);
      pending -= 1;
      if (result && 'value' in result) return structuredClone(result.value);
      counts.failures += 1;
      throw new StorageError(result?.failure.code ?? 'STORE_QUERY', result?.failure.message ?? 'no answer');
    });
    turn = answer.catch(() => undefined);
    return answer;
  }

  return {
    store: <D extends StoreDefinition>(definition: D): StoreClient<D> =>
      storeClient(definition, (query, tenant, args) => call(definition.name, query, tenant, args)),
    mergeJournal: async (dir, through): Promise<MergeReport> => mergeJournal(dir, through, clock.wall()),
    onDown() {},
    counters: () => ({ pending, ...counts }),
    async close() {
      closed = true;
      await turn;
      if (database.isOpen) database.close();
    },
  };
}
