/**
 * The journal: what ephemeral state (bindings, dialogs, call records) outlives a dead process by. `append` collects, `flush`
 * writes all of it with one system call before the answers that promise it leave. On disk a record is either whole or
 * absent, and one whose flush failed is absent.
 *
 * When `flush` throws, nothing appended since the last flush is kept, here or on disk: the caller refuses what it was
 * about to promise and takes its own state back.
 */
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, truncateSync, writeSync } from 'node:fs';
import type { Wall } from '@strowger/proto';
import { StorageError } from './errors.ts';
import {
  type JournalDamage,
  type JournalFile,
  journalPath,
  keepLatest,
  type Latest,
  listJournal,
  readJournalFile,
  syncFolder,
} from './journal-files.ts';
import { FILE_MAGIC, frameBound, MAX_FRAME, writeFrame } from './journal-frame.ts';

export interface Journal {
  /** What was there at the start, latest record of each key, without those that had expired. Handed out once. */
  load(): Map<string, Map<string, unknown>>;
  /**
   * Remembers `record` (plain data), or with null forgets the key, from the next `flush` on. Returns how many bytes wait
   * for it; when it throws, the record is not among them.
   */
  append(space: string, key: string, record: unknown, until?: Wall): number;
  /** Returns once all appended is safe. Throws `StorageError` (JOURNAL_FULL, JOURNAL_IO) when it cannot be made so. */
  flush(): void;
  /** Closes the present segment and opens the next; returns the number of the closed one. */
  rotate(): number;
  close(): void;
}

export interface JournalOptions {
  readonly dir: string;
  /** `disk` flushes the disk too, so that a record outlives a loss of power. */
  readonly durability: 'process' | 'disk';
  readonly now: Wall;
  /** A segment is closed once it is larger. */
  readonly segmentBytes?: number;
  /** Told when a segment was closed: segments up to `through` may be merged. */
  onRotate?(through: number): void;
  /** The system calls that can fail; replaced in tests. */
  readonly files?: Partial<JournalSystem>;
}

export interface JournalSystem {
  write(fd: number, bytes: Buffer, offset: number, length: number): number;
  sync(fd: number): void;
  truncate(fd: number, length: number): void;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
const START_BYTES = 256 * 1024;
/** Appended and not flushed: more than this in one turn is a bug, or an attack that other bounds should have met. */
const MAX_BUFFERED = 64 * 1024 * 1024;

const SYSTEM: JournalSystem = {
  write: (fd, bytes, offset, length) => writeSync(fd, bytes, offset, length),
  sync: fdatasyncSync,
  truncate: ftruncateSync,
};

/** Opens the journal's folder, cuts off what a crash left half-written, and starts a new segment. */
export function openJournal(options: JournalOptions): FileJournal {
  return new FileJournal(options);
}

export class FileJournal implements Journal {
  /** What could not be read at the start. */
  readonly damage: readonly JournalDamage[];
  readonly #options: JournalOptions;
  readonly #system: JournalSystem;
  #loaded: Latest | undefined = new Map();
  #buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES);
  #used = 0;
  #fd = -1;
  #number: number;
  /** Length of the present segment up to which it is known to be sound. */
  #size = 0;
  /** The segment's true length is unknown after a failed system call: it gets no more records. */
  #spoilt = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#system = { ...SYSTEM, ...options.files };
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    const { files, superseded } = listJournal(options.dir);
    this.damage = this.#read(files);
    this.#number = Math.max(0, ...[...files, ...superseded].map(({ number }) => number));
    this.#openNext();
  }

  /** The present segment's number: all below it are closed. */
  get segment(): number {
    return this.#number;
  }

  load(): Map<string, Map<string, unknown>> {
    const spaces = new Map<string, Map<string, unknown>>();
    const { now } = this.#options;
    for (const { space, key, until, json } of this.#loaded?.values() ?? []) {
      if (until !== 0 && until <= now) continue;
      let records = spaces.get(space);
      if (records === undefined) {
        records = new Map();
        spaces.set(space, records);
      }
      records.set(key, JSON.parse(json.toString('utf8')));
    }
    // The frames hold on to whole files.
    this.#loaded = undefined;
    return spaces;
  }

  append(space: string, key: string, record: unknown, until?: Wall): number {
    const json = record === null ? '' : JSON.stringify(record);
    if (json === undefined) throw new TypeError(`journal ${space}: a record must be plain data`);
    const bound = frameBound(space, key, json);
    if (bound > MAX_FRAME)
      throw new StorageError('JOURNAL_OVERFLOW', `journal ${space}: a record of ${json.length} characters`);
    this.#reserve(bound);
    this.#used = writeFrame(this.#buffer, this.#used, space, key, json, until ?? 0);
    return this.#used;
  }

  flush(): void {
    // What a failed flush left on the disk is taken back even when nothing follows it.
    if (this.#used === 0 && !this.#spoilt) return;
    const length = this.#used;
    this.#used = 0;
    try {
      if (this.#spoilt) this.#leaveSpoilt();
      for (let at = 0; at < length; ) at += this.#system.write(this.#fd, this.#buffer, at, length - at);
      if (this.#options.durability === 'disk') this.#system.sync(this.#fd);
    } catch (cause) {
      this.#takeBack();
      throw toJournalError(cause);
    }
    this.#size += length;
    if (this.#size >= (this.#options.segmentBytes ?? SEGMENT_BYTES)) this.#rotateQuietly();
    if (this.#buffer.length > START_BYTES * 16) this.#buffer = Buffer.allocUnsafeSlow(START_BYTES);
  }

  rotate(): number {
    this.flush();
    const closed = this.#number;
    this.#openNext();
    this.#options.onRotate?.(closed);
    return closed;
  }

  close(): void {
    if (this.#fd < 0) return;
    try {
      if (this.#used > 0) this.flush();
    } finally {
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }

  #read(files: readonly JournalFile[]): JournalDamage[] {
    const damage: JournalDamage[] = [];
    const latest = this.#loaded as Latest;
    for (const file of files) {
      const found = readJournalFile(file, (frame) => keepLatest(latest, frame));
      if (found === undefined) continue;
      damage.push(found);
      // Half a record was never promised to anybody. Corrupt bytes stay: a merge keeps their file for inspection.
      if (found.kind === 'torn') truncateSync(found.path, found.offset);
    }
    return damage;
  }

  #reserve(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#buffer.length) return;
    if (needed > MAX_BUFFERED) throw new StorageError('JOURNAL_OVERFLOW', `${this.#used} bytes wait for a flush`);
    const larger = Buffer.allocUnsafeSlow(Math.min(MAX_BUFFERED, Math.max(needed, this.#buffer.length * 2)));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  /** Cuts off what part of a failed flush may have been written, so that it cannot come back to life. */
  #takeBack(): void {
    try {
      this.#system.truncate(this.#fd, this.#size);
      // After a failed sync nobody knows what the disk has (https://lwn.net/Articles/752063/): go on in a new file.
      this.#spoilt ||= this.#options.durability === 'disk';
    } catch {
      this.#spoilt = true;
    }
  }

  /** Until the remains of the failed flush are gone, nothing more is promised: a restart would believe them. */
  #leaveSpoilt(): void {
    this.#system.truncate(this.#fd, this.#size);
    this.#openNext();
  }

  /** A segment that cannot be opened now is no reason to refuse what is already safe: the old one goes on growing. */
  #rotateQuietly(): void {
    const closed = this.#number;
    try {
      this.#openNext();
    } catch {
      return;
    }
    this.#options.onRotate?.(closed);
  }

  #openNext(): void {
    const { dir, durability } = this.#options;
    const number = this.#number + 1;
    const fd = openSync(journalPath(dir, 'segment', number), 'a', 0o600);
    try {
      // A file of this number can only be one that failed right here before.
      ftruncateSync(fd, 0);
      for (let at = 0; at < FILE_MAGIC.length; ) at += this.#system.write(fd, FILE_MAGIC, at, FILE_MAGIC.length - at);
      if (durability === 'disk') {
        this.#system.sync(fd);
        syncFolder(dir);
      }
    } catch (cause) {
      closeSync(fd);
      throw toJournalError(cause);
    }
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = fd;
    this.#number = number;
    this.#size = FILE_MAGIC.length;
    this.#spoilt = false;
  }
}

function toJournalError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new StorageError(full ? 'JOURNAL_FULL' : 'JOURNAL_IO', `the journal could not be written: ${message}`, {
    cause,
  });
}
