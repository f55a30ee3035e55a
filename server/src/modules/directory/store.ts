/** The directory's queries. Everything that changes leaves an event in the outbox. */
import { defineStore, type StoreDefinition } from '../../storage/define-store.ts';
import type { SystemDb, TenantDb } from '../../storage/tenant-db.ts';
import {
  type DeclaredRow,
  type DeviceRow,
  type FileChange,
  type Planned,
  type Present,
  planFile,
} from './store-file.ts';
import { type DirectoryTables, directoryMigrations, type Source } from './store-tables.ts';

type Db = TenantDb<DirectoryTables>;

/** A device that may register, with the person and the numbers it belongs to. */
export interface StoredDevice {
  readonly tenant: string;
  readonly domain: string;
  readonly id: string;
  readonly version: number;
  readonly userName: string;
  /** Sealed; opened with `deviceSecretAbout(tenant, userName)`. */
  readonly secret: string;
  readonly algorithms: readonly string[];
  readonly source: Source;
  readonly person: { readonly id: string; readonly name: string; readonly email?: string };
  readonly extensions: readonly string[];
}

/** A number and whom it leads to. */
export interface StoredExtension {
  readonly tenant: string;
  readonly id: string;
  readonly number: string;
  readonly person: string;
  readonly name: string;
  readonly disabled: boolean;
}

export interface StoredAccount {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly role: string;
  readonly passwordHash: string;
  /** Whether its first password has been shown to somebody. */
  readonly announced: boolean;
}

/** What a device's secret is sealed for. By user name, which the one who seals knows before the row has an id. */
export const deviceSecretAbout = (tenant: string, userName: string): string =>
  JSON.stringify([tenant, 'device', userName]);

const queries = {
  /** Makes the tenant, or moves it to another domain. */
  async putTenant(db: Db, domain: string): Promise<void> {
    const known = await db.selectFrom('tenants').select('domain').executeTakeFirst();
    if (known?.domain === domain) return;
    if (known) await db.update('tenants').set({ domain }).execute();
    else await db.insert('tenants', { domain, version: 1 }).execute();
    await db.emit('tenant-changed', { domain });
  },

  /** Makes the stored rows those the file declares, in one transaction. With `dryRun` it only says what it would do. */
  async applyFile(
    db: Db,
    declared: readonly DeclaredRow[],
    o: { dryRun?: boolean } = {},
  ): Promise<readonly FileChange[]> {
    const plans = planFile(declared, await presentByExtension(db), await devicesByUserName(db));
    if (o.dryRun !== true) for (const plan of plans) await apply(db, plan);
    return plans.map(({ change }) => change);
  },

  async account(db: Db, name: string): Promise<StoredAccount | undefined> {
    const row = await db.selectFrom('accounts').selectAll('accounts').where('name', '=', name).executeTakeFirst();
    return row && toAccount(row);
  },

  async accountsOfRole(db: Db, role: string): Promise<readonly StoredAccount[]> {
    const rows = await db.selectFrom('accounts').selectAll('accounts').where('role', '=', role).orderBy('id').execute();
    return rows.map(toAccount);
  },

  async addAccount(
    db: Db,
    { id, name, role, passwordHash }: { id: string; name: string; role: string; passwordHash: string },
  ): Promise<void> {
    await db.insert('accounts', { id, name, role, password_hash: passwordHash, version: 1, announced: 0 }).execute();
    await db.emit('account-added', { id, role });
  },

  async changeAccount(
    db: Db,
    key: { id: string; version: number },
    change: { passwordHash?: string; announced?: boolean },
  ): Promise<'ok' | 'conflict'> {
    const result = await db.casUpdate('accounts', key, {
      ...(change.passwordHash === undefined ? {} : { password_hash: change.passwordHash }),
      ...(change.announced === undefined ? {} : { announced: change.announced ? 1 : 0 }),
    });
    if (result === 'ok' && change.passwordHash !== undefined) await db.emit('account-password-changed', { id: key.id });
    return result;
  },
};

const system = {
  /** All devices in use, of all tenants: signalling keeps them in memory. Page by `after`, the last one's tenant and id. */
  async listDevices(
    { db }: SystemDb<DirectoryTables>,
    after?: { tenant: string; id: string },
    limit: number = 5000,
  ): Promise<readonly StoredDevice[]> {
    let query = db
      .selectFrom('devices as d')
      .innerJoin('people as p', (join) => join.onRef('p.tenant', '=', 'd.tenant').onRef('p.id', '=', 'd.person'))
      .innerJoin('tenants as t', 't.tenant', 'd.tenant')
      .select(['d.tenant', 't.domain', 'd.id', 'd.version', 'd.user_name', 'd.secret', 'd.algorithms', 'd.source'])
      .select(['d.person', 'p.name', 'p.email'])
      .where('d.disabled_at', 'is', null)
      .where('p.disabled_at', 'is', null);
    if (after) query = query.where((eb) => eb(eb.refTuple('d.tenant', 'd.id'), '>', eb.tuple(after.tenant, after.id)));
    const rows = await query.orderBy('d.tenant').orderBy('d.id').limit(Math.min(limit, 5000)).execute();
    const numbers = await numbersByPerson(db, rows);
    return rows.map(({ person, name, email, user_name, algorithms, ...row }) => ({
      ...row,
      userName: user_name,
      algorithms: JSON.parse(algorithms) as string[],
      person: { id: person, name, ...(email === null ? {} : { email }) },
      extensions: numbers.get(`${row.tenant}\0${person}`) ?? [],
    }));
  },

  /** All numbers of all tenants, disabled ones too: "switched off" is another answer than "unknown". Paged as above. */
  async listExtensions(
    { db }: SystemDb<DirectoryTables>,
    after?: { tenant: string; id: string },
    limit: number = 5000,
  ): Promise<readonly StoredExtension[]> {
    let query = db
      .selectFrom('extensions as x')
      .innerJoin('people as p', (join) => join.onRef('p.tenant', '=', 'x.tenant').onRef('p.id', '=', 'x.person'))
      .select(['x.tenant', 'x.id', 'x.number', 'x.person', 'p.name', 'x.disabled_at as off', 'p.disabled_at as gone']);
    if (after) query = query.where((eb) => eb(eb.refTuple('x.tenant', 'x.id'), '>', eb.tuple(after.tenant, after.id)));
    const rows = await query.orderBy('x.tenant').orderBy('x.id').limit(Math.min(limit, 5000)).execute();
    return rows.map(({ off, gone, ...row }) => ({ ...row, disabled: off !== null || gone !== null }));
  },

  async listTenants({ db }: SystemDb<DirectoryTables>): Promise<readonly { tenant: string; domain: string }[]> {
    return db.selectFrom('tenants').select(['tenant', 'domain']).orderBy('tenant').execute();
  },
};

async function numbersByPerson(
  db: SystemDb<DirectoryTables>['db'],
  rows: readonly { tenant: string; person: string }[],
): Promise<Map<string, string[]>> {
  const numbers = new Map<string, string[]>();
  for (const tenant of new Set(rows.map((row) => row.tenant))) {
    const found = await db
      .selectFrom('extensions')
      .select(['number', 'person'])
      .where('tenant', '=', tenant)
      .where('disabled_at', 'is', null)
      .orderBy('number')
      .execute();
    for (const { number, person } of found) {
      const key = `${tenant}\0${person}`;
      numbers.set(key, [...(numbers.get(key) ?? []), number]);
    }
  }
  return numbers;
}

async function presentByExtension(db: Db): Promise<Map<string, Present>> {
  const people = new Map((await db.selectFrom('people').selectAll('people').execute()).map((row) => [row.id, row]));
  const devices = await devicesByUserName(db);
  const present = new Map<string, Present>();
  for (const extension of await db.selectFrom('extensions').selectAll('extensions').orderBy('number').execute()) {
    const person = people.get(extension.person);
    const device = devices.get(extension.number);
    if (person)
      present.set(extension.number, { extension, person, device: device?.person === person.id ? device : undefined });
  }
  return present;
}

async function devicesByUserName(db: Db): Promise<Map<string, DeviceRow>> {
  const rows = await db.selectFrom('devices').selectAll('devices').execute();
  return new Map(rows.map((row) => [row.user_name, row]));
}

async function apply(db: Db, { change, declared, present }: Planned): Promise<void> {
  if (change.kind === 'refused') return;
  if (change.kind === 'disabled' && present) await disable(db, present);
  else if (declared && present) await update(db, declared, present);
  else if (declared) await add(db, declared);
  await db.emit(`person-${change.kind}`, { person: change.person, extension: change.extension, fields: change.fields });
}

async function add(db: Db, { id, name, extension, email, secret, algorithms }: DeclaredRow): Promise<void> {
  const row = { version: 1, source: 'file' as const, disabled_at: null };
  await db.insert('people', { ...row, id, name, email: email ?? null }).execute();
  await db.insert('extensions', { ...row, id: `${id}.x`, number: extension, person: id }).execute();
  await db
    .insert('devices', {
      ...row,
      id: `${id}.d`,
      person: id,
      user_name: extension,
      secret: secret.sealed,
      secret_mark: secret.mark,
      algorithms: JSON.stringify(algorithms),
    })
    .execute();
}

async function update(db: Db, declared: DeclaredRow, { person, extension, device }: Present): Promise<void> {
  await db.casUpdate('people', person, { name: declared.name, email: declared.email ?? null, disabled_at: null });
  await db.casUpdate('extensions', extension, { disabled_at: null });
  const algorithms = JSON.stringify(declared.algorithms);
  if (!device) {
    const { sealed, mark } = declared.secret;
    const row = {
      version: 1,
      source: 'file' as const,
      disabled_at: null,
      person: person.id,
      user_name: declared.extension,
    };
    await db
      .insert('devices', { ...row, id: `${person.id}.d`, secret: sealed, secret_mark: mark, algorithms })
      .execute();
    return;
  }
  const keeps = declared.secret.generated || declared.secret.mark === device.secret_mark;
  const secret = keeps ? {} : { secret: declared.secret.sealed, secret_mark: declared.secret.mark };
  await db.casUpdate('devices', device, { ...secret, algorithms, disabled_at: null });
}

/** The person too: in the first release the file gives each person one extension and one device. */
async function disable(db: Db, { person, extension, device }: Present): Promise<void> {
  await db.casUpdate('people', person, { disabled_at: db.now });
  await db.casUpdate('extensions', extension, { disabled_at: db.now });
  if (device) await db.casUpdate('devices', device, { disabled_at: db.now });
}

function toAccount(row: {
  id: string;
  version: number;
  name: string;
  role: string;
  password_hash: string;
  announced: number;
}): StoredAccount {
  const { id, version, name, role, password_hash, announced } = row;
  return { id, version, name, role, passwordHash: password_hash, announced: announced === 1 };
}

export const directoryStore: StoreDefinition<typeof queries, typeof system> = defineStore({
  name: 'directory',
  module: import.meta.url,
  migrations: directoryMigrations,
  queries,
  system,
});
