import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asMono, asWall, type Clock } from '@strowger/proto';
import { openInProcessStorage } from '../../storage/in-process.ts';
import { outboxStore } from '../../storage/outbox.ts';
import { type CdrCursor, type CdrRow, cdrStore } from './store.ts';

const clock: Clock = { now: () => asMono(0), wall: () => asWall(9_000) };

const row = (id: string, endedAt: number, more: Partial<CdrRow> = {}): CdrRow => ({
  id,
  callId: `${id}@phone`,
  startedAt: asWall(1_000),
  endedAt: asWall(endedAt),
  caller: '1001',
  callee: '1002',
  outcome: 'answered',
  endedBy: 'caller',
  reason: 'bye',
  legs: [],
  ...more,
});

test('a record comes back as it was written, with what was absent absent', async () => {
  const storage = await openInProcessStorage({ stores: [cdrStore], clock });
  const cdr = storage.store(cdrStore);
  const full = row('a', 5_000, {
    ringingAt: asWall(2_000),
    answeredAt: asWall(3_000),
    status: 200,
    legs: [{ leg: 'a', name: 'čĊ\r\n\0' }],
  });
  const bare = row('b', 6_000, { outcome: 'cancelled', endedBy: 'system' });
  await cdr.insert('t', full);
  await cdr.insert('t', bare);
  assert.deepEqual(await cdr.get('t', 'a'), full);
  assert.deepEqual(await cdr.get('t', 'b'), bare);
  assert.equal(await cdr.get('other', 'a'), undefined);
  await storage.close();
});

test('a record written twice is one record and one event', async () => {
  const storage = await openInProcessStorage({ stores: [cdrStore], clock });
  const cdr = storage.store(cdrStore);
  await cdr.insert('t', row('a', 5_000));
  await cdr.insert('t', row('a', 6_000));
  assert.equal(await cdr.count('t'), 1);
  assert.deepEqual(
    (await storage.store(outboxStore).system.after(0, 9)).map(({ type, data }) => [type, data]),
    [['call-ended', { id: 'a', outcome: 'answered' }]],
  );
  await storage.close();
});

test('pages, newest first, miss and repeat nothing, even of one millisecond', async () => {
  const storage = await openInProcessStorage({ stores: [cdrStore], clock });
  const cdr = storage.store(cdrStore);
  for (let i = 0; i < 10; i += 1) await cdr.insert('t', row(`c${i}`, 5_000 + Math.floor(i / 4)));
  await cdr.insert('u', row('foreign', 5_001));
  const seen: string[] = [];
  let after: CdrCursor | undefined;
  do {
    const page = await cdr.list('t', { limit: 3, ...(after ? { after } : {}) });
    seen.push(...page.rows.map(({ id }) => id));
    after = page.next;
  } while (after);
  assert.deepEqual(seen, ['c9', 'c8', 'c7', 'c6', 'c5', 'c4', 'c3', 'c2', 'c1', 'c0']);
  await storage.close();
});
