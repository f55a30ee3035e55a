/**
 * Runs queries against the database, a batch per transaction: a commit costs a disk flush, and those who ask meanwhile
 * share the next one. Each call has its own savepoint, so that one that fails takes no other with it. No answer is given
 * before the commit it depends on.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Kysely } from 'kysely';
import type { Queries, StoreCall, StoreDefinition } from './define-store.ts';
import { StorageError, type StorageFailure, toFailure, toStorageError } from './errors.ts';
import { kyselyOver } from './sqlite.ts';
import { TenantDb } from './tenant-db.ts';

export type StoreAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: StorageFailure };

export class StoreExecutor {
  readonly #database: DatabaseSync;
  readonly #db: Kysely<never>;
  readonly #stores: ReadonlyMap<string, StoreDefinition>;

  constructor(database: DatabaseSync, stores: readonly StoreDefinition[]) {
    this.#database = database;
    this.#db = kyselyOver(database);
    this.#stores = new Map(stores.map((store) => [store.name, store]));
  }

  /** Never rejects: what goes wrong is in the answers, one for each call. */
  async run(calls: readonly StoreCall[]): Promise<readonly StoreAnswer[]> {
    const answers: StoreAnswer[] = [];
    try {
      // Deferred: a batch that only reads takes no write lock and flushes nothing.
      this.#database.exec('BEGIN');
      for (const call of calls) answers.push(await this.#runOne(call));
      this.#database.exec('COMMIT');
      return answers;
    } catch (cause) {
      this.#rollBack();
      const failure = toFailure(cause);
      return calls.map(({ id }, i) => {
        const own = answers[i];
        return own !== undefined && 'failure' in own ? own : { id, failure };
      });
    }
  }

  async #runOne(call: StoreCall): Promise<StoreAnswer> {
    this.#database.exec('SAVEPOINT call');
    try {
      const value = await this.#query(call);
      this.#database.exec('RELEASE call');
      return { id: call.id, value };
    } catch (cause) {
      const error = toStorageError(cause);
      // A full disk or a broken file ends the whole transaction by itself: then the batch has failed, not this call.
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO call');
      this.#database.exec('RELEASE call');
      if (error.code === 'STORE_FULL' || error.code === 'STORE_IO' || error.code === 'STORE_CORRUPT') throw error;
      return { id: call.id, failure: toFailure(error) };
    }
  }

  #query({ store: name, query, tenant, args, at }: StoreCall): Promise<unknown> {
    const store = this.#stores.get(name);
    const queries: Queries | undefined = tenant === undefined ? store?.system : store?.queries;
    const run = queries !== undefined && Object.hasOwn(queries, query) ? queries[query] : undefined;
    if (run === undefined) throw new StorageError('STORE_UNKNOWN_QUERY', `no query ${name}.${query}`);
    const db = tenant === undefined ? { db: this.#db, now: at } : new TenantDb(this.#db, tenant, at);
    return run(db as never, ...(args as never[]));
  }

  #rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }
}
