/**
 * The name of a Unix socket has 107 bytes (`sun_path`), and a data folder may lie deeper than that. Linux lets a folder that
 * is open be named by its descriptor, which is short.
 */
import { Buffer } from 'node:buffer';
import { closeSync, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { platform } from 'node:process';

const LONGEST = 107;

export interface SocketPath {
  readonly path: string;
  /** Once the path is needed no more. */
  close(): void;
}

/** A path that can be listened at or connected to for as long as it is open. Throws if the folder is not there. */
export function openSocketPath(path: string): SocketPath {
  if (platform !== 'linux' || Buffer.byteLength(path) <= LONGEST) return { path, close: () => {} };
  const folder = openSync(dirname(path), 'r');
  return { path: join(`/proc/self/fd/${folder}`, basename(path)), close: () => closeSync(folder) };
}
