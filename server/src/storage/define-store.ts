/**
 * A module's tables and what may be asked of them, in one definition that both threads import: the storage thread runs
 * its queries, the signalling thread reads its types.
 */
import type { Wall } from '@strowger/proto';
import type { Kysely } from 'kysely';

/** One step forward of a store's tables. Released ones are never edited. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  up(db: Kysely<never>): Promise<void>;
}

/** Functions of (a database that knows the tenant, plain data) to plain data. Parameters are `never` so that any fit. */
export type Queries = Readonly<Record<string, (db: never, ...args: never[]) => Promise<unknown>>>;

/** A store as its module exports it. */
export interface StoreDefinition<Q extends Queries = Queries, S extends Queries = Queries> {
  readonly kind: 'store';
  readonly name: string;
  /** `import.meta.url` of the file that exports it: how the storage thread finds the functions. */
  readonly module: string;
  readonly migrations: readonly Migration[];
  /** Asked on behalf of a tenant: their first parameter is a `TenantDb`. */
  readonly queries: Q;
  /** Asked on behalf of the whole system, at boot for instance: their first parameter is a `SystemDb`. */
  readonly system: S;
}

type Rest<F> = F extends (db: never, ...args: infer A) => Promise<infer R>
  ? { readonly args: A; readonly result: R }
  : never;

/** The store as signalling sees it: `client.insert(tenant, row)`, and `client.system.listAll()`. */
export type StoreClient<D extends StoreDefinition> = {
  readonly [K in keyof D['queries']]: (
    tenant: string,
    ...args: Rest<D['queries'][K]>['args']
  ) => Promise<Rest<D['queries'][K]>['result']>;
} & {
  readonly system: {
    readonly [K in keyof D['system']]: (
      ...args: Rest<D['system'][K]>['args']
    ) => Promise<Rest<D['system'][K]>['result']>;
  };
};

/** Checks a definition and gives it its shape. */
export function defineStore<Q extends Queries, S extends Queries = Record<never, never>>(definition: {
  readonly name: string;
  readonly module: string;
  readonly migrations: readonly Migration[];
  readonly queries: Q;
  readonly system?: S;
}): StoreDefinition<Q, S> {
  const { name, migrations } = definition;
  migrations.forEach(({ version }, i) => {
    if (version !== i + 1) throw new Error(`store ${name}: migration ${i + 1} has version ${version}`);
  });
  if ('system' in definition.queries) throw new Error(`store ${name}: no query can be called "system"`);
  return { kind: 'store', system: {} as S, ...definition };
}

/** One question on its way to the storage thread. */
export interface StoreCall {
  readonly id: number;
  readonly store: string;
  readonly query: string;
  /** Absent for a system query. */
  readonly tenant?: string;
  readonly args: readonly unknown[];
  /** The asker's clock: the storage thread reads none. */
  readonly at: Wall;
}

/** Makes the typed face of a store over whatever carries calls. */
export function storeClient<D extends StoreDefinition>(
  definition: D,
  call: (query: string, tenant: string | undefined, args: readonly unknown[]) => Promise<unknown>,
): StoreClient<D> {
  const system: Record<string, unknown> = {};
  for (const query of Object.keys(definition.system)) {
    system[query] = (...args: readonly unknown[]) => call(query, undefined, args);
  }
  const client: Record<string, unknown> = { system };
  for (const query of Object.keys(definition.queries)) {
    client[query] = (tenant: string, ...args: readonly unknown[]) => call(query, tenant, args);
  }
  return client as StoreClient<D>;
}
