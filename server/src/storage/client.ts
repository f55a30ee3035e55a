/**
 * The signalling thread's end of storage: a bounded queue of typed calls to the storage thread. A thread that dies takes
 * its unanswered calls with it (whether they were committed is unknown, so they are rejected, not repeated) and is
 * started again, unless it dies too often.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Mono } from '@strowger/proto';
import { type StoreCall, type StoreClient, type StoreDefinition, storeClient } from './define-store.ts';
import { StorageError, type StorageFailure } from './errors.ts';
import type { MergeReport } from './journal-merge.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import type { MigrationReport } from './migrate.ts';
import { outboxStore } from './outbox.ts';
import type { Storage, StorageCounters } from './storage.ts';

export interface ThreadStorageOptions {
  /** The database file. */
  readonly path: string;
  /** Folder for copies made before migrations. */
  readonly backups: string;
  readonly stores: readonly StoreDefinition[];
  readonly clock: Clock;
  /** Calls that may be unanswered at once; beyond it STORE_BUSY. */
  readonly maxPending?: number;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: StorageError): void;
}

const MAX_PENDING = 20_000;
const RESTARTS = 5;
const RESTART_WINDOW = 60_000;

/** Starts the storage thread; settles once the database is open and migrated, or says why it cannot be. */
export async function openThreadStorage(options: ThreadStorageOptions): Promise<ThreadStorage> {
  const storage = new ThreadStorage(options);
  await storage.start();
  return storage;
}

export class ThreadStorage implements Storage {
  readonly #options: ThreadStorageOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onDown: ((error: StorageError, final: boolean) => void)[] = [];
  readonly #counts = { calls: 0, failures: 0, rejected: 0, restarts: 0 };
  #worker: Worker | undefined;
  #state: 'starting' | 'up' | 'down' | 'closing' | 'closed' = 'starting';
  #outgoing: StoreCall[] = [];
  #nextId = 1;
  #restarts: Mono[] = [];
  #exited: Promise<void> = Promise.resolve();
  /** What the last start changed in the database. */
  migration: MigrationReport = { applied: [] };

  constructor(options: ThreadStorageOptions) {
    this.#options = options;
  }

  /** Resolves when the thread is ready. `openThreadStorage` has called it. */
  start(): Promise<void> {
    const { path, backups, stores, clock } = this.#options;
    const all = [outboxStore, ...stores].map(({ module, name }) => ({ module, name }));
    const data: ThreadData = { path, backups, stores: all, now: clock.wall() };
    // What the process was started with (a debugger's port, a small young generation) is not meant for this thread.
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: data,
      name: 'storage',
      execArgv: [],
    });
    const exited = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<void>();
    this.#worker = worker;
    this.#exited = exited.promise;
    let cause: Error | undefined;
    worker.on('error', (error) => {
      cause = error as Error;
    });
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') {
        this.migration = message.report;
        if (this.#state === 'starting') this.#state = 'up';
        ready.resolve();
      } else if (message.kind === 'refused') ready.reject(toError(message.failure));
      else this.#receive(message);
    });
    worker.on('exit', () => {
      exited.resolve();
      ready.reject(new StorageError('STORE_DOWN', `the storage thread did not start: ${cause?.message ?? 'it ended'}`));
      this.#exit(worker, cause);
    });
    return ready.promise;
  }

  store<D extends StoreDefinition>(definition: D): StoreClient<D> {
    return storeClient(definition, (query, tenant, args) => {
      const refusal = this.#refusal();
      if (refusal) return Promise.reject(refusal);
      const id = this.#nextId++;
      const call: StoreCall = { id, store: definition.name, query, args, at: this.#options.clock.wall() };
      this.#counts.calls += 1;
      if (this.#outgoing.push(tenant === undefined ? call : { ...call, tenant }) === 1)
        queueMicrotask(() => this.#flush());
      return this.#wait(id);
    });
  }

  mergeJournal(dir: string, through: number): Promise<MergeReport> {
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    const id = this.#nextId++;
    this.#say({ kind: 'merge', id, dir, through, now: this.#options.clock.wall() });
    return this.#wait(id) as Promise<MergeReport>;
  }

  onDown(handler: (error: StorageError, final: boolean) => void): void {
    this.#onDown.push(handler);
  }

  counters(): StorageCounters {
    return { pending: this.#waiting.size, ...this.#counts };
  }

  async close(): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'closing') return this.#exited;
    this.#flush();
    this.#state = 'closing';
    this.#say({ kind: 'close' });
    await this.#exited;
    this.#state = 'closed';
  }

  /** The thread's id, for tests that kill it. */
  get worker(): Worker | undefined {
    return this.#worker;
  }

  #refusal(): StorageError | undefined {
    if (this.#state === 'closing' || this.#state === 'closed')
      return new StorageError('STORE_CLOSED', 'storage is closed');
    if (this.#state === 'down') return new StorageError('STORE_DOWN', 'the storage thread is not running');
    if (this.#waiting.size < (this.#options.maxPending ?? MAX_PENDING)) return undefined;
    this.#counts.rejected += 1;
    return new StorageError('STORE_BUSY', `${this.#waiting.size} calls wait for storage`);
  }

  #wait(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const calls = this.#outgoing;
    this.#outgoing = [];
    this.#sendAll(calls);
  }

  #sendAll(calls: readonly StoreCall[]): void {
    try {
      this.#say({ kind: 'calls', calls });
    } catch (cause) {
      // Something in one of them cannot be cloned: found one by one, so that only it is refused.
      const [only] = calls;
      if (calls.length > 1) for (const call of calls) this.#sendAll([call]);
      else if (only) this.#take(only.id)?.reject(notPlain(only, cause));
    }
  }

  #say(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  #receive(message: Exclude<FromThread, { kind: 'ready' | 'refused' }>): void {
    if (message.kind === 'merged') this.#take(message.id)?.resolve(message.report);
    else if (message.kind === 'merge-failed') this.#fail(message.id, message.failure);
    else {
      for (const answer of message.answers) {
        if ('failure' in answer) this.#fail(answer.id, answer.failure);
        else this.#take(answer.id)?.resolve(answer.value);
      }
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #fail(id: number, failure: StorageFailure): void {
    this.#counts.failures += 1;
    this.#take(id)?.reject(toError(failure));
  }

  #exit(worker: Worker, cause: Error | undefined): void {
    if (worker !== this.#worker) return;
    const wasUp = this.#state === 'up';
    this.#outgoing = [];
    const error = new StorageError('STORE_DOWN', `the storage thread ended: ${cause?.message ?? 'no reason given'}`, {
      cause,
    });
    const pending = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of pending) reject(error);
    if (this.#state === 'closing' || this.#state === 'closed' || this.#state === 'down') return;
    const again = wasUp && this.#mayRestart();
    this.#state = again ? 'starting' : 'down';
    for (const handler of this.#onDown) handler(error, !again);
    if (again) this.#restart();
  }

  #mayRestart(): boolean {
    const now = this.#options.clock.now();
    this.#restarts = [...this.#restarts.filter((at) => now - at < RESTART_WINDOW), now];
    return this.#restarts.length <= RESTARTS;
  }

  #restart(): void {
    this.#counts.restarts += 1;
    this.start().catch((error: StorageError) => {
      if (this.#state !== 'starting') return;
      this.#state = 'down';
      for (const handler of this.#onDown) handler(error, true);
    });
  }
}

const toError = ({ code, message }: StorageFailure): StorageError => new StorageError(code, message);

const notPlain = ({ store, query }: StoreCall, cause: unknown): StorageError =>
  new StorageError('STORE_QUERY', `${store}.${query}: arguments are not plain data`, { cause });
