/**
 * Brings a database forward to what the stores of this program expect. Forward only: a database that a newer program has
 * touched is refused, and one that is about to be changed is copied first.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Wall } from '@strowger/proto';
import type { Migration, StoreDefinition } from './define-store.ts';
import { StorageError } from './errors.ts';
import { syncFolder } from './journal-files.ts';
import { kyselyOver } from './sqlite.ts';

const KEPT_BACKUPS = 5;

export interface MigrateOptions {
  readonly now: Wall;
  /** Where copies go. Absent for a database in memory. */
  readonly backups?: string;
}

export interface MigrationReport {
  /** `cdr 2: add transfer column`. */
  readonly applied: readonly string[];
  readonly backup?: string;
}

export async function migrate(
  database: DatabaseSync,
  stores: readonly StoreDefinition[],
  { now, backups }: MigrateOptions,
): Promise<MigrationReport> {
  database.exec(`CREATE TABLE IF NOT EXISTS migrations (
    store TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL,
    PRIMARY KEY (store, version)) STRICT, WITHOUT ROWID`);
  const done = new Map<string, number>();
  for (const { store, version } of database
    .prepare('SELECT store, max(version) AS version FROM migrations GROUP BY store')
    .all()) {
    done.set(String(store), Number(version));
  }
  const pending = stores.flatMap((store) => pendingOf(store, done.get(store.name) ?? 0));
  if (pending.length === 0) return { applied: [] };
  const backup = done.size > 0 && backups !== undefined ? backUp(database, backups, now) : undefined;
  await applyAll(database, pending, now);
  const applied = pending.map(({ store, migration }) => `${store} ${migration.version}: ${migration.name}`);
  return backup === undefined ? { applied } : { applied, backup };
}

interface Pending {
  readonly store: string;
  readonly migration: Migration;
}

function pendingOf({ name, migrations }: StoreDefinition, done: number): readonly Pending[] {
  const newest = migrations.length;
  if (done > newest) {
    const text = `the tables of ${name} are of version ${done}, this program knows ${newest}: use the newer program, or a backup made before it`;
    throw new StorageError('STORE_NEWER_SCHEMA', text);
  }
  return migrations.slice(done).map((migration) => ({ store: name, migration }));
}

/** All or nothing: SQLite's changes of tables are transactional like any others. */
async function applyAll(database: DatabaseSync, pending: readonly Pending[], now: Wall): Promise<void> {
  const db = kyselyOver<never>(database);
  const record = database.prepare('INSERT INTO migrations (store, version, name, applied_at) VALUES (?, ?, ?, ?)');
  let current = '';
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const { store, migration } of pending) {
      current = `${store} ${migration.version} (${migration.name})`;
      await migration.up(db);
      record.run(store, migration.version, migration.name, now);
    }
    database.exec('COMMIT');
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw new StorageError('STORE_MIGRATION', `migration ${current} failed: ${(cause as Error).message}`, { cause });
  }
}

/** A whole copy under a name that sorts by time; it counts only once it is complete and on disk. */
function backUp(database: DatabaseSync, folder: string, now: Wall): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stamp = new Date(now).toISOString().replaceAll(/[-:.]/g, '');
  const path = join(folder, `strowger-${stamp}.db`);
  const unfinished = `${path}.part`;
  rmSync(unfinished, { force: true });
  if (existsSync(path)) return path;
  database.prepare('VACUUM INTO ?').run(unfinished);
  const fd = openSync(unfinished, 'r+');
  fsyncSync(fd);
  closeSync(fd);
  renameSync(unfinished, path);
  syncFolder(folder);
  const all = readdirSync(folder)
    .filter((name) => /^strowger-\w+\.db$/.test(name))
    .sort();
  for (const old of all.slice(0, -KEPT_BACKUPS)) rmSync(join(folder, old));
  return path;
}
