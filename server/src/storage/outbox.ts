/**
 * Events that changes leave behind, in the same transaction: what is not committed is not told, and what is committed is
 * told at least once. Webhooks, the event stream, lamps and other nodes read it by cursor, each at its own pace.
 */
import type { Wall } from '@strowger/proto';
import { type Generated, type Kysely, sql } from 'kysely';
import { defineStore, type StoreDefinition } from './define-store.ts';
import type { SystemDb } from './tenant-db.ts';

export type EventData = Readonly<Record<string, unknown>>;

export interface OutboxEvent {
  /** Grows; has gaps. A reader keeps the last one it has dealt with. */
  readonly cursor: number;
  readonly tenant: string;
  /** Kebab-case: `person-added`. */
  readonly type: string;
  readonly at: Wall;
  readonly data: EventData;
}

interface Tables {
  events: { cursor: Generated<number>; tenant: string; type: string; at: number; data: string };
}

export async function addEvent(db: Kysely<Tables>, event: Omit<OutboxEvent, 'cursor'>): Promise<void> {
  await db
    .insertInto('events')
    .values({ ...event, data: JSON.stringify(event.data) })
    .execute();
}

const MAX_PAGE = 1000;

const system = {
  /** What came after `cursor` (0 for the beginning), oldest first. */
  async after({ db }: SystemDb<Tables>, cursor: number, limit: number): Promise<readonly OutboxEvent[]> {
    const rows = await db
      .selectFrom('events')
      .selectAll()
      .where('cursor', '>', cursor)
      .orderBy('cursor')
      .limit(Math.min(limit, MAX_PAGE))
      .execute();
    return rows.map((row) => ({ ...row, at: row.at as Wall, data: JSON.parse(row.data) as EventData }));
  },

  /** The newest cursor, 0 when nothing ever happened: where a reader starts that cares for the future alone. */
  async newest({ db }: SystemDb<Tables>): Promise<number> {
    const row = await db.selectFrom('events').select('cursor').orderBy('cursor', 'desc').limit(1).executeTakeFirst();
    return row?.cursor ?? 0;
  },

  /** Forgets events older than `before`, a bounded number a call; says how many went. */
  async prune({ db }: SystemDb<Tables>, before: Wall): Promise<number> {
    const old = db.selectFrom('events').select('cursor').where('at', '<', before).orderBy('cursor').limit(MAX_PAGE);
    const result = await db.deleteFrom('events').where('cursor', 'in', old).executeTakeFirst();
    return Number(result.numDeletedRows);
  },
};

/** Part of every database: `migrate` puts it before the modules' stores. */
export const outboxStore: StoreDefinition<Record<never, never>, typeof system> = defineStore({
  name: 'outbox',
  module: import.meta.url,
  migrations: [
    {
      version: 1,
      name: 'events',
      async up(db): Promise<void> {
        await sql`CREATE TABLE events (
          cursor INTEGER PRIMARY KEY AUTOINCREMENT,
          tenant TEXT NOT NULL,
          type TEXT NOT NULL,
          at INTEGER NOT NULL,
          data TEXT NOT NULL
        ) STRICT`.execute(db);
        await sql`CREATE INDEX events_by_time ON events (at)`.execute(db);
      },
    },
  ],
  queries: {},
  system,
});
