/**
 * Folds the snapshot and the closed segments into a new snapshot, in the storage thread, while signalling goes on writing
 * the newest segment. At every moment of it a crash leaves a folder that reads the same.
 */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Wall } from '@strowger/proto';
import { StorageError } from './errors.ts';
import {
  type JournalDamage,
  journalPath,
  keepLatest,
  type Latest,
  listJournal,
  readJournalFile,
  syncFolder,
} from './journal-files.ts';
import { FILE_MAGIC, type Frame } from './journal-frame.ts';

export interface MergeReport {
  readonly kept: number;
  readonly expired: number;
  readonly files: number;
  readonly bytes: number;
  /** Files with damage stay, renamed to `.damaged`, for whoever wants to look. */
  readonly damage: readonly JournalDamage[];
}

const CHUNK = 1024 * 1024;

/** Segments above `through` are not touched. */
export function mergeJournal(dir: string, through: number, now: Wall): MergeReport {
  removeUnfinished(dir);
  const { files, superseded } = listJournal(dir);
  const merged = files.filter(({ number }) => number <= through);
  const last = merged.at(-1);
  for (const { path } of superseded) rmSync(path, { force: true });
  if (last === undefined || (merged.length === 1 && last.kind === 'snapshot')) {
    return { kept: 0, expired: 0, files: 0, bytes: 0, damage: [] };
  }
  const latest: Latest = new Map();
  const damage: JournalDamage[] = [];
  for (const file of merged) {
    const found = readJournalFile(file, (frame) => keepLatest(latest, frame));
    if (found) damage.push(found);
  }
  const live = [...latest.values()].filter(({ until }) => until === 0 || until > now);
  const bytes = writeSnapshot(dir, last.number, live);
  const corrupt = new Set(damage.filter(({ kind }) => kind === 'corrupt').map(({ path }) => path));
  for (const { path } of merged) {
    if (corrupt.has(path)) renameSync(path, `${path}.damaged`);
    else if (path !== journalPath(dir, 'snapshot', last.number)) rmSync(path);
  }
  return { kept: live.length, expired: latest.size - live.length, files: merged.length, bytes, damage };
}

function writeSnapshot(dir: string, number: number, live: readonly Frame[]): number {
  const path = journalPath(dir, 'snapshot', number);
  const unfinished = `${path}.part`;
  const fd = openSync(unfinished, 'wx', 0o600);
  let bytes = 0;
  try {
    let chunk: Buffer[] = [FILE_MAGIC];
    let size = FILE_MAGIC.length;
    for (const frame of live) {
      chunk.push(frame.bytes);
      size += frame.bytes.length;
      if (size < CHUNK) continue;
      bytes += writeWhole(fd, Buffer.concat(chunk, size));
      chunk = [];
      size = 0;
    }
    bytes += writeWhole(fd, Buffer.concat(chunk, size));
    fsyncSync(fd);
  } catch (cause) {
    rmSync(unfinished, { force: true });
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new StorageError(code === 'ENOSPC' ? 'JOURNAL_FULL' : 'JOURNAL_IO', `merge failed: ${message}`, { cause });
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
  syncFolder(dir);
  return bytes;
}

function writeWhole(fd: number, bytes: Buffer): number {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  return bytes.length;
}

function removeUnfinished(dir: string): void {
  for (const name of readdirSync(dir)) if (name.endsWith('.part')) rmSync(join(dir, name), { force: true });
}
