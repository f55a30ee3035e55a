import assert from 'node:assert/strict';
import { mkdtempDisposableSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { asMono, asWall, type Clock } from '@strowger/proto';
import { openThreadStorage, type ThreadStorage } from './client.ts';
import { defineStore } from './define-store.ts';
import { openInProcessStorage } from './in-process.ts';
import { openJournal } from './journal.ts';
import { outboxStore } from './outbox.ts';
import { notesStore } from './sample-store.test-data.ts';
import type { Storage } from './storage.ts';

let ms = 1_000;
const clock: Clock = { now: () => asMono(ms), wall: () => asWall(ms) };
const folder = () => mkdtempDisposableSync(join(tmpdir(), 'strowger-store-'));
const openThread = (dir: string, more: { maxPending?: number } = {}): Promise<ThreadStorage> =>
  openThreadStorage({ path: join(dir, 's.db'), backups: join(dir, 'backups'), stores: [notesStore], clock, ...more });

const kinds: Record<string, (dir: string) => Promise<Storage>> = {
  'in a thread': (dir) => openThread(dir),
  'in this process': (dir) => openInProcessStorage({ stores: [notesStore], clock, path: join(dir, 's.db') }),
};

for (const [kind, openStorage] of Object.entries(kinds)) {
  suite(`storage ${kind}`, () => {
    test('a tenant sees its own rows alone, whatever it asks', async () => {
      using dir = folder();
      const storage = await openStorage(dir.path);
      const notes = storage.store(notesStore);
      await notes.add('t1', { id: 'n', text: 'one', flag: true });
      await notes.add('t2', { id: 'n', text: 'two', flag: false });
      assert.deepEqual(await notes.list('t1'), [{ id: 'n', text: 'one', version: 1, flag: 1 }]);
      await notes.removeAll('t1');
      assert.deepEqual(await notes.list('t1'), []);
      assert.equal((await notes.list('t2')).length, 1);
      assert.equal(await notes.system.count(), 1);
      await storage.close();
    });

    test('compare-and-set: of two who change one version, one is told of the conflict', async () => {
      using dir = folder();
      const storage = await openStorage(dir.path);
      const notes = storage.store(notesStore);
      await notes.add('t', { id: 'n', text: 'v1', flag: false });
      const results = await Promise.all([notes.change('t', 'n', 1, 'mine'), notes.change('t', 'n', 1, 'theirs')]);
      assert.deepEqual(results, ['ok', 'conflict']);
      assert.equal(await notes.change('other', 'n', 2, 'x'), 'conflict');
      assert.deepEqual(await notes.list('t'), [{ id: 'n', text: 'mine', version: 2, flag: 0 }]);
      await storage.close();
    });

    test('a call that fails takes back its own changes and events, and nobody else’s', async () => {
      using dir = folder();
      const storage = await openStorage(dir.path);
      const notes = storage.store(notesStore);
      const results = await Promise.allSettled([
        notes.add('t', { id: 'a', text: 'a', flag: false }),
        notes.addThenThrow('t', 'b'),
        notes.add('t', { id: 'a', text: 'again', flag: false }),
        notes.add('t', { id: 'c', text: 'c', flag: false }),
      ]);
      const codes = results.map((r) => (r.status === 'fulfilled' ? 'ok' : r.reason.code));
      assert.deepEqual(codes, ['ok', 'STORE_QUERY', 'STORE_CONSTRAINT', 'ok']);
      assert.deepEqual(
        (await notes.list('t')).map(({ id }) => id),
        ['a', 'c'],
      );
      const events = await storage.store(outboxStore).system.after(0, 10);
      assert.deepEqual(
        events.map(({ type, data, tenant, at }) => [type, data, tenant, at]),
        [
          ['note-added', { id: 'a' }, 't', ms],
          ['note-added', { id: 'c' }, 't', ms],
        ],
      );
      await storage.close();
    });

    test('events are read by cursor and pruned by time', async () => {
      using dir = folder();
      const storage = await openStorage(dir.path);
      const notes = storage.store(notesStore);
      const outbox = storage.store(outboxStore);
      assert.equal(await outbox.system.newest(), 0);
      for (const id of ['a', 'b', 'c']) await notes.add('t', { id, text: id, flag: false });
      const [first] = await outbox.system.after(0, 1);
      assert.deepEqual(
        (await outbox.system.after(first?.cursor ?? 0, 10)).map(({ data }) => data),
        [{ id: 'b' }, { id: 'c' }],
      );
      assert.equal(await outbox.system.prune(asWall(ms + 1)), 3);
      assert.equal(await outbox.system.newest(), 0);
      await notes.add('t', { id: 'd', text: 'd', flag: false });
      // A cursor is never used twice, or a reader would miss what took its place.
      assert.ok((await outbox.system.newest()) > (first?.cursor ?? 0) + 2);
      await storage.close();
    });

    test('closing waits for what was asked; later calls are refused', async () => {
      using dir = folder();
      const storage = await openStorage(dir.path);
      const notes = storage.store(notesStore);
      const asked = Promise.all(
        Array.from({ length: 50 }, (_, i) => notes.add('t', { id: `${i}`, text: '', flag: false })),
      );
      await storage.close();
      await asked;
      await assert.rejects(notes.list('t'), { code: 'STORE_CLOSED' });
      const again = await openStorage(dir.path);
      assert.equal((await again.store(notesStore).list('t')).length, 50);
      await again.close();
    });

    test('a store that was not opened, and a query that is none', async () => {
      using dir = folder();
      const storage = await openStorage(dir.path);
      const other = defineStore({
        name: 'other',
        module: import.meta.url,
        migrations: [],
        queries: { async any(): Promise<void> {} },
      });
      await assert.rejects(storage.store(other).any('t'), { code: 'STORE_UNKNOWN_QUERY' });
      await storage.close();
    });
  });
}

suite('storage thread', () => {
  test('a full queue refuses with STORE_BUSY and recovers', async () => {
    using dir = folder();
    const storage = await openThread(dir.path, { maxPending: 3 });
    const notes = storage.store(notesStore);
    const calls = Array.from({ length: 5 }, () => notes.list('t'));
    const settled = await Promise.allSettled(calls);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    );
    await assert.rejects(calls[4] ?? Promise.resolve(), { code: 'STORE_BUSY' });
    assert.equal(storage.counters().rejected, 2);
    await notes.list('t');
    await storage.close();
  });

  test('a thread that dies rejects what was pending and is started again', async () => {
    using dir = folder();
    const storage = await openThread(dir.path);
    const notes = storage.store(notesStore);
    await notes.add('t', { id: 'kept', text: '', flag: false });
    const down: [string, boolean][] = [];
    storage.onDown((error, final) => down.push([error.code, final]));
    await assert.rejects(notes.die('t'), { code: 'STORE_DOWN' });
    assert.equal((await notes.list('t')).length, 1);
    assert.deepEqual(down, [['STORE_DOWN', false]]);
    assert.equal(storage.counters().restarts, 1);
    for (let i = 0; i < 5; i += 1) await assert.rejects(notes.die('t'), { code: 'STORE_DOWN' });
    assert.deepEqual(down.at(-1), ['STORE_DOWN', true]);
    await assert.rejects(notes.list('t'), { code: 'STORE_DOWN' });
    await storage.close();
  });

  test('what is not plain data is refused alone, in either direction', async () => {
    using dir = folder();
    const storage = await openThread(dir.path);
    const notes = storage.store(notesStore);
    const results = await Promise.allSettled([
      notes.list('t'),
      notes.echo('t', (() => 1) as unknown),
      notes.echo('t', 'fine'),
      notes.giveFunction('t'),
    ]);
    assert.deepEqual(
      results.map((r) => (r.status === 'fulfilled' ? 'ok' : r.reason.code)),
      ['ok', 'STORE_QUERY', 'ok', 'STORE_QUERY'],
    );
    await storage.close();
  });

  test('a database of a newer program is refused; one about to change is copied first', async () => {
    using dir = folder();
    const path = join(dir.path, 's.db');
    const first = await openThread(dir.path);
    assert.deepEqual(first.migration.applied, ['outbox 1: events', 'notes 1: notes', 'notes 2: flag']);
    assert.equal(first.migration.backup, undefined);
    await first.store(notesStore).add('t', { id: 'x', text: '', flag: true });
    await first.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);

    const raw = new DatabaseSync(path);
    raw.exec("DELETE FROM migrations WHERE store = 'notes' AND version = 2; ALTER TABLE notes DROP COLUMN flag");
    raw.close();
    ms += 60_000;
    const second = await openThread(dir.path);
    assert.deepEqual(second.migration.applied, ['notes 2: flag']);
    const copy = new DatabaseSync(second.migration.backup ?? '');
    assert.deepEqual({ ...copy.prepare('SELECT id FROM notes').get() }, { id: 'x' });
    copy.close();
    assert.equal(readdirSync(join(dir.path, 'backups')).length, 1);
    await second.close();

    const newer = new DatabaseSync(path);
    newer.exec("INSERT INTO migrations VALUES ('notes', 3, 'from the future', 0)");
    newer.close();
    await assert.rejects(openThread(dir.path), {
      code: 'STORE_NEWER_SCHEMA',
      message: /notes are of version 3, this program knows 2/,
    });
  });

  test('a migration that fails changes nothing', async () => {
    using dir = folder();
    const path = join(dir.path, 's.db');
    const broken = {
      ...notesStore,
      migrations: [...notesStore.migrations, { version: 3, name: 'broken', up: () => Promise.reject(new Error('no')) }],
    };
    await assert.rejects(openInProcessStorage({ stores: [broken], clock, path }), {
      code: 'STORE_MIGRATION',
      message: /notes 3 \(broken\) failed: no/,
    });
    const raw = new DatabaseSync(path);
    assert.deepEqual(raw.prepare("SELECT name FROM sqlite_schema WHERE name IN ('notes', 'events')").all(), []);
    raw.close();
  });

  test('a database that cannot be opened is an error that says so', async () => {
    using dir = folder();
    await assert.rejects(openThread(join(dir.path, 'nowhere')), { code: 'STORE_IO' });
    writeFileSync(join(dir.path, 's.db'), 'this is no database, and long enough not to be taken for an empty one');
    await assert.rejects(openThread(dir.path), { code: 'STORE_CORRUPT' });
  });

  test('the journal is merged between calls, and a merge that fails is an error with a code', async () => {
    using dir = folder();
    const storage = await openThread(dir.path);
    const journal = openJournal({ dir: join(dir.path, 'journal'), durability: 'process', now: clock.wall() });
    for (let i = 0; i < 100; i += 1) journal.append('s', `k${i % 10}`, i);
    const closed = journal.rotate();
    const [report] = await Promise.all([
      storage.mergeJournal(join(dir.path, 'journal'), closed),
      storage.store(notesStore).list('t'),
    ]);
    assert.deepEqual([report.kept, report.files, report.damage], [10, 1, []]);
    await assert.rejects(storage.mergeJournal(join(dir.path, 'nowhere'), 1), { code: 'STORE_IO' });
    journal.close();
    await storage.close();
  });

  test('the settings that durable means are in force', async () => {
    using dir = folder();
    const storage = await openThread(dir.path);
    const pragmas = await storage.store(notesStore).system.pragmas();
    assert.deepEqual(pragmas, { journal_mode: 'wal', synchronous: 2, foreign_keys: 1, busy_timeout: 5000 });
    await storage.close();
  });
});
