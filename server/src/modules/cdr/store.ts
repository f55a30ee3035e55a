/** Call detail records: one row a call, written when it has ended, never changed. */
import type { Wall } from '@strowger/proto';
import { sql } from 'kysely';
import { defineStore, type StoreDefinition } from '../../storage/define-store.ts';
import type { TenantDb } from '../../storage/tenant-db.ts';

/** A finished call. */
export interface CdrRow {
  /** Our own id of the call, and the row's. */
  readonly id: string;
  /** The caller's leg's Call-ID, as it came: for finding the call in traces. */
  readonly callId: string;
  readonly startedAt: Wall;
  readonly ringingAt?: Wall;
  readonly answeredAt?: Wall;
  readonly endedAt: Wall;
  readonly caller: string;
  readonly callee: string;
  /** `answered`, `busy`, `cancelled` …: how it ended, in a word. */
  readonly outcome: string;
  /** The final SIP status the caller got; absent when it never got one. */
  readonly status?: number;
  /** Who ended it. */
  readonly endedBy: 'caller' | 'callee' | 'system';
  /** Reason code of the deciding step. */
  readonly reason: string;
  /** Each leg's own story, as plain data. */
  readonly legs: readonly unknown[];
}

/** Where a page ended: the next one begins after it. */
export interface CdrCursor {
  readonly endedAt: number;
  readonly id: string;
}

export interface CdrPage {
  readonly rows: readonly CdrRow[];
  /** Absent on the last page. */
  readonly next?: CdrCursor;
}

interface Tables {
  cdrs: {
    tenant: string;
    id: string;
    call_id: string;
    started_at: number;
    ringing_at: number | null;
    answered_at: number | null;
    ended_at: number;
    caller: string;
    callee: string;
    outcome: string;
    status: number | null;
    ended_by: string;
    reason: string;
    legs: string;
  };
}

const MAX_PAGE = 1000;

const queries = {
  /** Writing the same call twice is writing it once: a caller who got no answer may ask again. */
  async insert(db: TenantDb<Tables>, row: CdrRow): Promise<void> {
    const result = await db
      .insert('cdrs', {
        id: row.id,
        call_id: row.callId,
        started_at: row.startedAt,
        ringing_at: row.ringingAt ?? null,
        answered_at: row.answeredAt ?? null,
        ended_at: row.endedAt,
        caller: row.caller,
        callee: row.callee,
        outcome: row.outcome,
        status: row.status ?? null,
        ended_by: row.endedBy,
        reason: row.reason,
        legs: JSON.stringify(row.legs),
      })
      .onConflict((conflict) => conflict.columns(['tenant', 'id']).doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows === 1n) await db.emit('call-ended', { id: row.id, outcome: row.outcome });
  },

  /** Newest first. */
  async list(db: TenantDb<Tables>, o: { limit?: number; after?: CdrCursor } = {}): Promise<CdrPage> {
    const limit = Math.max(1, Math.min(o.limit ?? 100, MAX_PAGE));
    const { after } = o;
    let query = db.selectFrom('cdrs').selectAll('cdrs');
    if (after) query = query.where((eb) => eb(eb.refTuple('ended_at', 'id'), '<', eb.tuple(after.endedAt, after.id)));
    const found = await query
      .orderBy('ended_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .execute();
    const rows = found.slice(0, limit).map(toCdr);
    const last = rows.at(-1);
    return found.length > limit && last ? { rows, next: { endedAt: last.endedAt, id: last.id } } : { rows };
  },

  async get(db: TenantDb<Tables>, id: string): Promise<CdrRow | undefined> {
    const row = await db.selectFrom('cdrs').selectAll('cdrs').where('id', '=', id).executeTakeFirst();
    return row && toCdr(row);
  },

  async count(db: TenantDb<Tables>): Promise<number> {
    const row = await db
      .selectFrom('cdrs')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirst();
    return row?.n ?? 0;
  },
};

function toCdr(row: Tables['cdrs']): CdrRow {
  return {
    id: row.id,
    callId: row.call_id,
    startedAt: row.started_at as Wall,
    ...(row.ringing_at === null ? {} : { ringingAt: row.ringing_at as Wall }),
    ...(row.answered_at === null ? {} : { answeredAt: row.answered_at as Wall }),
    endedAt: row.ended_at as Wall,
    caller: row.caller,
    callee: row.callee,
    outcome: row.outcome,
    ...(row.status === null ? {} : { status: row.status }),
    endedBy: row.ended_by as CdrRow['endedBy'],
    reason: row.reason,
    legs: JSON.parse(row.legs) as readonly unknown[],
  };
}

export const cdrStore: StoreDefinition<typeof queries, Record<never, never>> = defineStore({
  name: 'cdr',
  module: import.meta.url,
  migrations: [
    {
      version: 1,
      name: 'cdrs',
      async up(db): Promise<void> {
        await sql`CREATE TABLE cdrs (
          tenant TEXT NOT NULL, id TEXT NOT NULL, call_id TEXT NOT NULL,
          started_at INTEGER NOT NULL, ringing_at INTEGER, answered_at INTEGER, ended_at INTEGER NOT NULL,
          caller TEXT NOT NULL, callee TEXT NOT NULL, outcome TEXT NOT NULL, status INTEGER,
          ended_by TEXT NOT NULL CHECK (ended_by IN ('caller', 'callee', 'system')),
          reason TEXT NOT NULL, legs TEXT NOT NULL,
          PRIMARY KEY (tenant, id)
        ) STRICT`.execute(db);
        await sql`CREATE INDEX cdrs_by_end ON cdrs (tenant, ended_at, id)`.execute(db);
        await sql`CREATE INDEX cdrs_by_call_id ON cdrs (tenant, call_id)`.execute(db);
      },
    },
  ],
  queries,
});
