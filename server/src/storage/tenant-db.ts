/** The only ways a query reaches tables: on behalf of one tenant, or of the whole system. */
import type { Wall } from '@strowger/proto';
import type {
  DeleteQueryBuilder,
  DeleteResult,
  Insertable,
  InsertQueryBuilder,
  InsertResult,
  Kysely,
  SelectQueryBuilder,
  Updateable,
  UpdateQueryBuilder,
  UpdateResult,
} from 'kysely';
import { addEvent, type EventData } from './outbox.ts';

/** Every table of a store: a row belongs to a tenant. */
export interface TenantRow {
  readonly tenant: string;
}

/** Rows that several may want to change at once carry a version. */
export interface VersionedRow extends TenantRow {
  readonly id: string;
  readonly version: number;
}

type TableName<T> = keyof T & string;
type Nothing = Record<never, never>;
type Untenanted<Row> = Omit<Insertable<Row>, 'tenant'>;

/** Kysely with types that cannot be followed through a generic table: kept inside this file. */
interface Loose {
  selectFrom(table: string): LooseBuilder;
  insertInto(table: string): { values(rows: unknown): unknown };
  updateTable(table: string): LooseBuilder;
  deleteFrom(table: string): LooseBuilder;
}
interface LooseBuilder {
  where(column: string, operator: '=', value: unknown): LooseBuilder;
  set(values: unknown): LooseBuilder;
  execute(): Promise<readonly UpdateResult[]>;
}

/** Tables as one tenant sees them. A join must tie both tenant columns, as the composite foreign keys do. */
export class TenantDb<T> {
  readonly tenant: string;
  /** The moment of the call, by the asker's clock. */
  readonly now: Wall;
  readonly #db: Loose;

  constructor(db: Kysely<T>, tenant: string, now: Wall) {
    this.#db = db as unknown as Loose;
    this.tenant = tenant;
    this.now = now;
  }

  selectFrom<K extends TableName<T>>(table: K): SelectQueryBuilder<T, K, Nothing> {
    const query = this.#db.selectFrom(table).where(`${table}.tenant`, '=', this.tenant);
    return query as unknown as SelectQueryBuilder<T, K, Nothing>;
  }

  insert<K extends TableName<T>>(
    table: K,
    rows: Untenanted<T[K]> | readonly Untenanted<T[K]>[],
  ): InsertQueryBuilder<T, K, InsertResult> {
    const all = (Array.isArray(rows) ? rows : [rows]).map((row) => ({ ...row, tenant: this.tenant }));
    return this.#db.insertInto(table).values(all) as InsertQueryBuilder<T, K, InsertResult>;
  }

  update<K extends TableName<T>>(table: K): UpdateQueryBuilder<T, K, K, UpdateResult> {
    const query = this.#db.updateTable(table).where('tenant', '=', this.tenant);
    return query as unknown as UpdateQueryBuilder<T, K, K, UpdateResult>;
  }

  deleteFrom<K extends TableName<T>>(table: K): DeleteQueryBuilder<T, K, DeleteResult> {
    const query = this.#db.deleteFrom(table).where('tenant', '=', this.tenant);
    return query as unknown as DeleteQueryBuilder<T, K, DeleteResult>;
  }

  /** Compare-and-set: changes the row only if it still has the version that the change was made from. */
  async casUpdate<K extends TableName<T>>(
    table: K,
    key: { readonly id: string; readonly version: number },
    change: Omit<Updateable<T[K]>, 'tenant' | 'id' | 'version'>,
  ): Promise<'ok' | 'conflict'> {
    const [result] = await this.#db
      .updateTable(table)
      .set({ ...change, version: key.version + 1 })
      .where('tenant', '=', this.tenant)
      .where('id', '=', key.id)
      .where('version', '=', key.version)
      .execute();
    return result?.numUpdatedRows === 1n ? 'ok' : 'conflict';
  }

  /** Leaves an event in the outbox, in the transaction of the change it tells of. */
  async emit(type: string, data: EventData): Promise<void> {
    await addEvent(this.#db as never, { tenant: this.tenant, type, at: this.now, data });
  }
}

/** Tables across all tenants, for what the system itself must know. */
export interface SystemDb<T> {
  readonly db: Kysely<T>;
  readonly now: Wall;
}
