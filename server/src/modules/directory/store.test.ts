import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, asWall, type Clock } from '@strowger/proto';
import type { StoreClient } from '../../storage/define-store.ts';
import { openInProcessStorage } from '../../storage/in-process.ts';
import { outboxStore } from '../../storage/outbox.ts';
import type { Storage } from '../../storage/storage.ts';
import { directoryStore } from './store.ts';
import type { DeclaredRow } from './store-file.ts';

const clock: Clock = { now: () => asMono(0), wall: () => asWall(5_000) };

interface Rig extends AsyncDisposable {
  readonly storage: Storage;
  readonly directory: StoreClient<typeof directoryStore>;
  events(): Promise<string[]>;
}

async function rig(): Promise<Rig> {
  const storage = await openInProcessStorage({ stores: [directoryStore], clock });
  const directory = storage.store(directoryStore);
  await directory.putTenant('t', 'example.test');
  return {
    storage,
    directory,
    async events() {
      const all = await storage.store(outboxStore).system.after(0, 100);
      return all.map(({ type, data }) => [type, data.extension ?? data.domain].join(' ').trim());
    },
    [Symbol.asyncDispose]: () => storage.close(),
  };
}

let fresh = 0;
function declared(
  extension: string,
  name: string,
  more: { secret?: string; email?: string; generated?: boolean } = {},
): DeclaredRow {
  const { secret = `secret of ${extension}`, email, generated = false } = more;
  fresh += 1;
  return {
    id: `p${fresh}`,
    name,
    extension,
    ...(email === undefined ? {} : { email }),
    // Sealing the same twice gives two texts; the mark is what can be compared.
    secret: { sealed: `sealed ${fresh} ${secret}`, mark: `mark ${secret}`, generated },
    algorithms: ['SHA-256', 'MD5'],
  };
}

const brief = (
  changes: readonly { kind: string; extension: string; fields: readonly string[]; code?: string }[],
): string[] =>
  changes.map(({ kind, extension, fields, code }) => [kind, extension, ...fields, ...(code ? [code] : [])].join(' '));

suite('directory store: people of the file', () => {
  test('applied on the first start, and again without a change', async () => {
    await using r = await rig();
    const first = await r.directory.applyFile('t', [
      declared('1001', 'Alice', { email: 'a@b' }),
      declared('1002', 'čĊ "Bob"'),
    ]);
    assert.deepEqual(brief(first), ['added 1001', 'added 1002']);
    const again = await r.directory.applyFile('t', [
      declared('1001', 'Alice', { email: 'a@b' }),
      declared('1002', 'čĊ "Bob"'),
    ]);
    assert.deepEqual(again, []);
    const [alice, bob] = await r.directory.system.listDevices();
    assert.equal(alice?.userName, '1001');
    assert.deepEqual(alice?.extensions, ['1001']);
    assert.deepEqual(alice?.algorithms, ['SHA-256', 'MD5']);
    assert.deepEqual(alice?.person, { id: alice?.person.id, name: 'Alice', email: 'a@b' });
    assert.match(alice?.secret ?? '', /^sealed \d+ secret of 1001$/);
    assert.equal(bob?.person.name, 'čĊ "Bob"');
    assert.equal(bob?.domain, 'example.test');
    assert.deepEqual(await r.events(), ['tenant-changed example.test', 'person-added 1001', 'person-added 1002']);
  });

  test('changed, left out and back again: ids and data stay', async () => {
    await using r = await rig();
    await r.directory.applyFile('t', [declared('1001', 'Alice'), declared('1002', 'Bob')]);
    const before = await r.directory.system.listDevices();
    const change = [declared('1001', 'Alicia', { secret: 'new', email: 'x@y' })];
    assert.deepEqual(brief(await r.directory.applyFile('t', change, { dryRun: true })), [
      'changed 1001 name email password',
      'disabled 1002',
    ]);
    assert.deepEqual(await r.directory.system.listDevices(), before);
    assert.deepEqual(brief(await r.directory.applyFile('t', change)), [
      'changed 1001 name email password',
      'disabled 1002',
    ]);
    const [alicia, ...others] = await r.directory.system.listDevices();
    assert.deepEqual(others, []);
    assert.equal(alicia?.person.name, 'Alicia');
    const numbers = await r.directory.system.listExtensions();
    assert.deepEqual(
      numbers.map(({ number, name, disabled }) => [number, name, disabled]),
      [
        ['1001', 'Alicia', false],
        ['1002', 'Bob', true],
      ],
    );
    assert.equal(alicia?.id, before[0]?.id);
    assert.equal(alicia?.version, 2);
    assert.match(alicia?.secret ?? '', /new$/);
    assert.deepEqual(await r.directory.applyFile('t', change), []);
    assert.deepEqual(brief(await r.directory.applyFile('t', [...change, declared('1002', 'Bob')])), ['enabled 1002']);
    const back = (await r.directory.system.listDevices()).find(({ userName }) => userName === '1002');
    assert.equal(back?.id, before[1]?.id);
    assert.equal(back?.secret, before[1]?.secret);
    assert.deepEqual((await r.events()).slice(-3), [
      'person-changed 1001',
      'person-disabled 1002',
      'person-enabled 1002',
    ]);
  });

  test('a generated secret is made once and kept', async () => {
    await using r = await rig();
    await r.directory.applyFile('t', [declared('1001', 'Alice', { secret: 'made up', generated: true })]);
    assert.deepEqual(
      await r.directory.applyFile('t', [declared('1001', 'Alice', { secret: 'another', generated: true })]),
      [],
    );
    assert.match((await r.directory.system.listDevices())[0]?.secret ?? '', /made up$/);
    await r.directory.applyFile('t', [declared('1001', 'Alice', { secret: 'declared' })]);
    assert.match((await r.directory.system.listDevices())[0]?.secret ?? '', /declared$/);
  });

  test('tenants do not touch each other, and a domain belongs to one', async () => {
    await using r = await rig();
    await r.directory.putTenant('u', 'other.test');
    await r.directory.applyFile('t', [declared('1001', 'Alice')]);
    await r.directory.applyFile('u', [declared('1001', 'Ursula')]);
    await r.directory.applyFile('t', []);
    assert.deepEqual(
      (await r.directory.system.listDevices()).map(({ tenant, person }) => [tenant, person.name]),
      [['u', 'Ursula']],
    );
    await assert.rejects(r.directory.putTenant('u', 'example.test'), { code: 'STORE_CONSTRAINT' });
    await assert.rejects(r.directory.applyFile('nobody', [declared('1', 'X')]), { code: 'STORE_CONSTRAINT' });
    assert.deepEqual(await r.directory.system.listTenants(), [
      { tenant: 't', domain: 'example.test' },
      { tenant: 'u', domain: 'other.test' },
    ]);
  });

  test('devices are listed in pages', async () => {
    await using r = await rig();
    await r.directory.applyFile(
      't',
      Array.from({ length: 7 }, (_, i) => declared(`${100 + i}`, `P${i}`)),
    );
    const seen: string[] = [];
    let after: { tenant: string; id: string } | undefined;
    for (let page = 0; page < 4; page += 1) {
      const rows = await r.directory.system.listDevices(after, 3);
      seen.push(...rows.map(({ userName }) => userName));
      after = rows.at(-1);
    }
    assert.deepEqual(seen.toSorted(), ['100', '101', '102', '103', '104', '105', '106']);
  });
});
