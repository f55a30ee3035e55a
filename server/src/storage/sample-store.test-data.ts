/** A store as a module would write it, for the tests of storage. */
import { sql } from 'kysely';
import { defineStore, type StoreDefinition } from './define-store.ts';
import type { SystemDb, TenantDb } from './tenant-db.ts';

interface Tables {
  notes: { tenant: string; id: string; text: string; version: number; flag: number };
}

const queries = {
  async add(db: TenantDb<Tables>, note: { id: string; text: string; flag: boolean }): Promise<void> {
    await db.insert('notes', { ...note, version: 1, flag: note.flag ? 1 : 0 }).execute();
    await db.emit('note-added', { id: note.id });
  },
  async addThenThrow(db: TenantDb<Tables>, id: string): Promise<void> {
    await db.insert('notes', { id, text: '', version: 1, flag: 0 }).execute();
    await db.emit('note-added', { id });
    throw new Error('second thoughts');
  },
  async list(db: TenantDb<Tables>): Promise<readonly { id: string; text: string; version: number; flag: number }[]> {
    return db.selectFrom('notes').select(['id', 'text', 'version', 'flag']).orderBy('id').execute();
  },
  async change(db: TenantDb<Tables>, id: string, version: number, text: string): Promise<'ok' | 'conflict'> {
    return db.casUpdate('notes', { id, version }, { text });
  },
  async removeAll(db: TenantDb<Tables>): Promise<void> {
    await db.deleteFrom('notes').execute();
  },
  async die(_db: TenantDb<Tables>): Promise<void> {
    process.exit(1);
  },
  async echo(_db: TenantDb<Tables>, value: unknown): Promise<unknown> {
    return value;
  },
  async giveFunction(_db: TenantDb<Tables>): Promise<unknown> {
    return () => 1;
  },
};

const system = {
  async count({ db }: SystemDb<Tables>): Promise<number> {
    return (await db.selectFrom('notes').selectAll().execute()).length;
  },
  async pragmas({ db }: SystemDb<Tables>): Promise<Readonly<Record<string, unknown>>> {
    const found: Record<string, unknown> = {};
    for (const name of ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout']) {
      const { rows } = await sql<Record<string, unknown>>`PRAGMA ${sql.raw(name)}`.execute(db);
      found[name] = Object.values(rows[0] ?? {})[0];
    }
    return found;
  },
};

export const notesStore: StoreDefinition<typeof queries, typeof system> = defineStore({
  name: 'notes',
  module: import.meta.url,
  migrations: [
    {
      version: 1,
      name: 'notes',
      async up(db): Promise<void> {
        await sql`CREATE TABLE notes (tenant TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL, version INTEGER NOT NULL,
          PRIMARY KEY (tenant, id)) STRICT, WITHOUT ROWID`.execute(db);
      },
    },
    {
      version: 2,
      name: 'flag',
      async up(db): Promise<void> {
        await sql`ALTER TABLE notes ADD COLUMN flag INTEGER NOT NULL DEFAULT 0`.execute(db);
      },
    },
  ],
  queries,
  system,
});
