/** Writes records down, so many at a time, and keeps what cannot be written yet until it can. */
import type { ModuleContext } from '../../kernel/context.ts';
import type { JournalSpace } from '../../kernel/journal-space.ts';
import { errorFields } from '../../kernel/log.ts';
import type { CdrRow } from './store.ts';

export interface UnwrittenRecord {
  readonly tenant: string;
  readonly row: CdrRow;
}

export interface WriterOptions {
  readonly context: Pick<ModuleContext, 'log' | 'after' | 'counters'>;
  /** Has each record until the database has: a crash between the two loses nothing. */
  readonly space: JournalSpace<UnwrittenRecord>;
  write(record: UnwrittenRecord): Promise<void>;
  /** Records that wait, at most. */
  readonly cap: number;
}

/** At once with the storage thread, which commits them together. */
const WINDOW = 64;
/** How long after a failure those that failed are tried again. */
const RETRY_MS = 5_000;

export class RecordWriter {
  readonly #o: WriterOptions;
  readonly #waiting: Map<string, UnwrittenRecord>;
  /** To be written now; the rest of those waiting is on its way, or has failed. */
  #queue: string[];
  #writing = 0;
  #failed: string[] = [];

  constructor(options: WriterOptions) {
    this.#o = options;
    this.#waiting = new Map(options.space.load());
    this.#queue = [...this.#waiting.keys()];
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(id: string, record: UnwrittenRecord): void {
    const { context, space, cap } = this.#o;
    if (this.#waiting.size >= cap) {
      context.counters.of('cdr_lost').value += 1;
      context.log.error('cdr-lost', { call: id });
      return;
    }
    this.#waiting.set(id, record);
    space.put(id, record);
    this.#queue.push(id);
    this.pump();
  }

  /** Starts as many as may be under way. */
  pump(): void {
    while (this.#writing < WINDOW) {
      const id = this.#queue.shift();
      const record = id === undefined ? undefined : this.#waiting.get(id);
      if (id === undefined || record === undefined) return;
      this.#writing += 1;
      this.#o.write(record).then(
        () => this.#written(id),
        (error: unknown) => this.#notWritten(id, error),
      );
    }
  }

  #written(id: string): void {
    this.#writing -= 1;
    this.#waiting.delete(id);
    this.#o.space.delete(id);
    this.pump();
  }

  /** Said once for all that fail until they are tried again: a store that is down would else fill the log. */
  #notWritten(id: string, error: unknown): void {
    const { context } = this.#o;
    this.#writing -= 1;
    context.counters.of('cdr_write_failures').value += 1;
    this.#failed.push(id);
    if (this.#failed.length === 1) {
      const waiting = this.#waiting.size;
      context.log.error('cdr-not-written', { call: id, waiting, retryInMs: RETRY_MS, ...errorFields(error) });
      context.after(RETRY_MS, () => this.#retry());
    }
    this.pump();
  }

  #retry(): void {
    this.#queue.push(...this.#failed);
    this.#failed = [];
    this.pump();
  }
}
