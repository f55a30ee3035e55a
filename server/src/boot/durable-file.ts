/** Small files that are whole or absent: written aside, flushed, renamed. A start that is killed midway leaves no half key. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../storage/journal-files.ts';

/** Writes or replaces `path`, readable by its owner alone. */
export function writeDurably(path: string, content: string | Uint8Array, mode: number = 0o600): void {
  const aside = `${path}.part`;
  const fd = openSync(aside, 'w', mode);
  try {
    const bytes = Buffer.from(content as string);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
  syncFolder(dirname(path));
}

export function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
