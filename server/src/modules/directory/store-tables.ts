/** Tables of the directory: who there is, what devices they have, what numbers lead to them. */
import { type Kysely, sql } from 'kysely';
import type { Migration } from '../../storage/define-store.ts';

/** Who owns a row: one from the file is read-only elsewhere. */
export type Source = 'file' | 'console';

interface Row {
  tenant: string;
  id: string;
  version: number;
  source: Source;
  /** UTC ms; null while in use. A disabled row keeps its data. */
  disabled_at: number | null;
}

export interface DirectoryTables {
  tenants: { tenant: string; domain: string; version: number };
  people: Row & { name: string; email: string | null };
  devices: Row & {
    person: string;
    user_name: string;
    /** Sealed with the master key (boot/secrets.ts). */
    secret: string;
    /** Tells whether a declared secret is the stored one. */
    secret_mark: string;
    /** JSON list, in order of preference. */
    algorithms: string;
  };
  extensions: Row & { number: string; person: string };
  accounts: {
    tenant: string;
    id: string;
    version: number;
    name: string;
    role: string;
    password_hash: string;
    announced: number;
  };
}

const ROW = sql.raw(`
  tenant TEXT NOT NULL REFERENCES tenants (tenant),
  id TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  source TEXT NOT NULL CHECK (source IN ('file', 'console')),
  disabled_at INTEGER`);

async function createTables(db: Kysely<never>): Promise<void> {
  await sql`CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    domain TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL DEFAULT 1
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE people (${ROW},
    name TEXT NOT NULL,
    email TEXT,
    PRIMARY KEY (tenant, id)
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE TABLE devices (${ROW},
    person TEXT NOT NULL,
    user_name TEXT NOT NULL,
    secret TEXT NOT NULL,
    secret_mark TEXT NOT NULL,
    algorithms TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, user_name),
    FOREIGN KEY (tenant, person) REFERENCES people (tenant, id)
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE INDEX devices_of_person ON devices (tenant, person)`.execute(db);
  await sql`CREATE TABLE extensions (${ROW},
    number TEXT NOT NULL,
    person TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, number),
    FOREIGN KEY (tenant, person) REFERENCES people (tenant, id)
  ) STRICT, WITHOUT ROWID`.execute(db);
  await sql`CREATE INDEX extensions_of_person ON extensions (tenant, person)`.execute(db);
  await sql`CREATE TABLE accounts (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    announced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
  ) STRICT, WITHOUT ROWID`.execute(db);
}

export const directoryMigrations: readonly Migration[] = [
  { version: 1, name: 'people, devices, extensions, accounts', up: createTables },
];
