/** The journal's folder: `segment-N.log`, in order, and `snapshot-N.log`, which stands for all segments up to N. */
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from './errors.ts';
import { FILE_MAGIC, type Frame, readFrame } from './journal-frame.ts';

export type FileKind = 'segment' | 'snapshot';

export interface JournalFile {
  readonly kind: FileKind;
  readonly number: number;
  readonly path: string;
}

/** Bytes that could not be read. `torn` is what a crash leaves and means nothing was lost that had been promised. */
export interface JournalDamage {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly kind: 'torn' | 'corrupt';
}

export interface JournalReading {
  /** Newest last. All frames, in the order in which they apply. */
  readonly files: readonly JournalFile[];
  /** Files a newer snapshot stands for: left by a merge that was killed before it deleted them. */
  readonly superseded: readonly JournalFile[];
}

export function journalPath(dir: string, kind: FileKind, number: number): string {
  return join(dir, `${kind}-${String(number).padStart(10, '0')}.log`);
}

/** What of the folder counts: the newest snapshot, and the segments after it. */
export function listJournal(dir: string): JournalReading {
  const all: JournalFile[] = [];
  for (const name of readdirSync(dir)) {
    const hit = /^(segment|snapshot)-(\d{10})\.log$/.exec(name);
    if (hit) all.push({ kind: hit[1] as FileKind, number: Number(hit[2]), path: join(dir, name) });
  }
  all.sort((a, b) => a.number - b.number);
  const snapshot = all.findLast(({ kind }) => kind === 'snapshot');
  const covered = snapshot?.number ?? 0;
  const segments = all.filter(({ kind, number }) => kind === 'segment' && number > covered);
  const files = snapshot ? [snapshot, ...segments] : segments;
  return { files, superseded: all.filter((file) => !files.includes(file)) };
}

/** Hands every sound frame of a file to `take`; returns what is wrong with the rest of it, if anything. */
export function readJournalFile({ path }: JournalFile, take: (frame: Frame) => void): JournalDamage | undefined {
  const bytes = readFileSync(path);
  const head = bytes.subarray(0, FILE_MAGIC.length);
  if (!head.equals(FILE_MAGIC)) {
    const cut = head.length < FILE_MAGIC.length || head.every((byte) => byte === 0);
    if (cut) return bytes.length === 0 ? undefined : { path, offset: 0, bytes: bytes.length, kind: 'torn' };
    throw new StorageError('JOURNAL_CORRUPT', `${path} is not a journal of this version`);
  }
  let at = FILE_MAGIC.length;
  while (at < bytes.length) {
    const read = readFrame(bytes, at);
    if (read.kind !== 'frame') return { path, offset: at, bytes: bytes.length - at, kind: read.kind };
    take(read.frame);
    at = read.next;
  }
  return undefined;
}

/** Latest frame of each key, in one map: `space NUL key`. */
export type Latest = Map<string, Frame>;

export function keepLatest(latest: Latest, frame: Frame): void {
  const name = `${frame.space}\0${frame.key}`;
  if (frame.deleted) latest.delete(name);
  else latest.set(name, frame);
}

/** Makes the names in a folder durable: without it a rename may not outlive a loss of power. */
export function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
