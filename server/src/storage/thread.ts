/** The storage thread: opens the database, brings it forward, answers calls in batches, merges the journal between them. */
import type { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { StoreCall, StoreDefinition } from './define-store.ts';
import { StorageError, toFailure } from './errors.ts';
import { type StoreAnswer, StoreExecutor } from './executor.ts';
import { mergeJournal } from './journal-merge.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './sqlite.ts';

/** Calls in one transaction: enough to share a flush, few enough that nobody waits long for the others. */
const BATCH = 256;

async function loadStores(wanted: ThreadData['stores']): Promise<readonly StoreDefinition[]> {
  const stores: StoreDefinition[] = [];
  for (const { module, name } of wanted) {
    const exported = Object.values((await import(module)) as Record<string, unknown>);
    const store = exported.find((one) => isStore(one) && one.name === name) as StoreDefinition | undefined;
    if (store === undefined) throw new StorageError('STORE_UNKNOWN_QUERY', `${module} exports no store ${name}`);
    stores.push(store);
  }
  return stores;
}

const isStore = (value: unknown): value is StoreDefinition =>
  typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'store';

class StorageThread {
  readonly #port: MessagePort;
  readonly #database: DatabaseSync;
  readonly #executor: StoreExecutor;
  /** Bounded by the client, which counts what is unanswered. */
  #calls: StoreCall[] = [];
  #merges: Extract<ToThread, { kind: 'merge' }>[] = [];
  #running = false;
  #closing = false;

  constructor(port: MessagePort, database: DatabaseSync, stores: readonly StoreDefinition[]) {
    this.#port = port;
    this.#database = database;
    this.#executor = new StoreExecutor(database, stores);
  }

  receive(message: ToThread): void {
    if (message.kind === 'calls') this.#calls.push(...message.calls);
    else if (message.kind === 'merge') this.#merges.push(message);
    else this.#closing = true;
    if (this.#running) return;
    this.#running = true;
    // After the poll phase, so that all messages that are there share a transaction.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#calls.length > 0) {
      const batch = this.#calls.splice(0, BATCH);
      this.#answer(await this.#executor.run(batch));
    } else {
      const merge = this.#merges.shift();
      if (merge) this.#merge(merge);
      else if (this.#closing) {
        this.#database.close();
        this.#port.close();
        return;
      }
    }
    this.#running = this.#calls.length > 0 || this.#merges.length > 0 || this.#closing;
    if (this.#running) setImmediate(() => void this.#run());
  }

  #answer(answers: readonly StoreAnswer[]): void {
    try {
      this.#say({ kind: 'answers', answers });
    } catch (cause) {
      // A query returned what is not plain data. It must not take the thread down, nor the others' answers along.
      for (const answer of answers) {
        if (answers.length > 1) this.#answer([answer]);
        else this.#say({ kind: 'answers', answers: [{ id: answer.id, failure: toFailure(cause) }] });
      }
    }
  }

  #merge({ id, dir, through, now }: Extract<ToThread, { kind: 'merge' }>): void {
    try {
      this.#say({ kind: 'merged', id, report: mergeJournal(dir, through, now) });
    } catch (cause) {
      this.#say({ kind: 'merge-failed', id, failure: toFailure(cause) });
    }
  }

  #say(message: FromThread): void {
    this.#port.postMessage(message);
  }
}

async function main(port: MessagePort, { path, backups, stores: wanted, now }: ThreadData): Promise<void> {
  let database: DatabaseSync | undefined;
  try {
    const stores = await loadStores(wanted);
    database = openDatabase(path);
    const report = await migrate(database, stores, { now, backups });
    const thread = new StorageThread(port, database, stores);
    port.on('message', (message: ToThread) => thread.receive(message));
    port.postMessage({ kind: 'ready', report } satisfies FromThread);
  } catch (cause) {
    database?.close();
    port.postMessage({ kind: 'refused', failure: toFailure(cause) } satisfies FromThread);
    port.close();
  }
}

if (parentPort) void main(parentPort, workerData as ThreadData);
