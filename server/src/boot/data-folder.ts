/**
 * The data folder: everything that a Strowger keeps. Made on the first start, step by step so that a start killed at any
 * point is finished by the next, and held by one server at a time.
 *
 *   version            layout of this folder
 *   run/               lock, pids and sockets of what runs now
 *   journal/           ephemeral state (storage/journal.ts)
 *   strowger.db        durable state; backups/ are made of it before migrations
 *   keys/              master.key, nonce.key: 0600. Who copies the folder without them copies no secret
 *   tls/               certificate.pem, key.pem
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readIfThere, writeDurably } from './durable-file.ts';
import { type Lock, takeLock } from './lock.ts';
import { createKey, readKeys, type SecretKeys } from './secrets.ts';

export type DataFolderCode =
  | 'DATA_CERTIFICATE_UNREADABLE'
  | 'DATA_IN_USE'
  | 'DATA_NEWER'
  | 'DATA_UNUSABLE'
  | 'DATA_KEY_MISSING'
  | 'DATA_KEY_DAMAGED';

export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  readonly code: DataFolderCode;

  constructor(code: DataFolderCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface DataPaths {
  readonly root: string;
  readonly run: string;
  readonly journal: string;
  readonly database: string;
  readonly backups: string;
  readonly keys: string;
  readonly tls: string;
  readonly signallingPid: string;
  readonly mediaPid: string;
  readonly mediaSocket: string;
}

const LAYOUT = 1;

export function dataPaths(dir: string): DataPaths {
  const root = resolve(dir);
  const run = join(root, 'run');
  return {
    root,
    run,
    journal: join(root, 'journal'),
    database: join(root, 'strowger.db'),
    backups: join(root, 'backups'),
    keys: join(root, 'keys'),
    tls: join(root, 'tls'),
    signallingPid: join(run, 'signalling.pid'),
    mediaPid: join(run, 'media.pid'),
    mediaSocket: join(run, 'media.sock'),
  };
}

export interface DataFolder {
  readonly paths: DataPaths;
  readonly keys: SecretKeys;
  /** Whether this start made it. */
  readonly created: boolean;
  release(): void;
}

/** For the supervisor: makes what is missing, and holds the folder until `release` or death. */
export function openDataFolder(dir: string): DataFolder {
  const paths = dataPaths(dir);
  const created = makeFolders(paths);
  const lock = hold(paths, 'server');
  try {
    const known = readVersion(paths);
    removeUnfinished(paths.keys, paths.tls, paths.root);
    makeKeys(paths);
    const keys = loadKeys(paths);
    // Last: a folder with a version is a whole one.
    if (known === undefined) writeDurably(join(paths.root, 'version'), `${LAYOUT}\n`);
    return { paths, keys, created: created || known === undefined, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** For a child of the supervisor: the keys of a folder that is whole. */
export function loadKeys({ keys }: DataPaths): SecretKeys {
  try {
    return readKeys(keys);
  } catch (cause) {
    throw new DataFolderError('DATA_KEY_DAMAGED', `a key in ${keys} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** One process of a kind at a time, e.g. `signalling`: an orphan of a killed supervisor may still be there. */
export function hold(paths: DataPaths, role: string): Lock {
  const lock = takeLock(join(paths.run, `${role}.lock`));
  const holder = join(paths.run, `${role}.holder`);
  if (lock === undefined) {
    const pid = readIfThere(holder)?.trim();
    throw new DataFolderError(
      'DATA_IN_USE',
      `${paths.root} is in use by another Strowger${pid ? ` (process ${pid})` : ''}`,
    );
  }
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      rmSync(holder, { force: true });
      lock.release();
    },
  };
}

function makeFolders(paths: DataPaths): boolean {
  const isNew = !existsSync(paths.root);
  if (!isNew) refuseForeign(paths);
  try {
    for (const path of [paths.root, paths.run, paths.journal, paths.backups, paths.keys, paths.tls]) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      // A folder that was there before keeps its own mode, except where it holds secrets or sockets.
      if (path !== paths.root) chmodSync(path, 0o700);
    }
    if (isNew) chmodSync(paths.root, 0o700);
  } catch (cause) {
    throw new DataFolderError('DATA_UNUSABLE', `${paths.root} cannot be used: ${(cause as Error).message}`, { cause });
  }
  return isNew;
}

/** A folder with somebody else's things in it was named by mistake (`/`, a home): nothing is made or changed there. */
function refuseForeign({ root }: DataPaths): void {
  let names: readonly string[];
  try {
    names = readdirSync(root);
  } catch (cause) {
    throw new DataFolderError('DATA_UNUSABLE', `${root} cannot be used: ${(cause as Error).message}`, { cause });
  }
  const foreign = names.filter((name) => !OURS.test(name));
  // One with a version is ours, whatever else somebody has put in it.
  if (foreign.length === 0 || names.includes('version')) return;
  const what = foreign.slice(0, 3).join(', ');
  throw new DataFolderError(
    'DATA_UNUSABLE',
    `${root} is no Strowger data folder (it holds ${what}): name an empty or a new one`,
  );
}

/** What a first start may have left when it was killed midway. */
const OURS = /^(?:run|journal|backups|keys|tls|version(?:\..*)?|strowger\.db.*|\..*|.*\.part)$/;

function readVersion({ root }: DataPaths): number | undefined {
  const text = readIfThere(join(root, 'version'));
  if (text === undefined) return undefined;
  const version = /^\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  if (version <= LAYOUT) return version;
  throw new DataFolderError(
    'DATA_NEWER',
    `${root} has layout ${text.trim().slice(0, 20)}, this program knows ${LAYOUT}: use the newer program, or another folder`,
  );
}

function makeKeys({ keys, database }: DataPaths): void {
  const master = join(keys, 'master.key');
  if (!existsSync(master)) {
    // A new key would make every secret in the database unreadable, without a word, for ever.
    if (existsSync(database)) {
      throw new DataFolderError(
        'DATA_KEY_MISSING',
        `${master} is gone, and ${database} has secrets sealed with it: put it back`,
      );
    }
    writeDurably(master, createKey());
  }
  const nonce = join(keys, 'nonce.key');
  if (!existsSync(nonce)) writeDurably(nonce, createKey());
}

function removeUnfinished(...folders: readonly string[]): void {
  for (const folder of folders) {
    for (const name of readdirSync(folder)) if (name.endsWith('.part')) rmSync(join(folder, name), { force: true });
  }
}
