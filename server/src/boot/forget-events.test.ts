import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, asWall } from '@strowger/proto';
import { openInProcessStorage } from '../storage/in-process.ts';
import { outboxStore } from '../storage/outbox.ts';
import { notesStore } from '../storage/sample-store.test-data.ts';
import { forgetEvents } from './forget-events.ts';

const DAY = 86_400_000;

suite('forgetting events', () => {
  test('all that is older than seven days goes, however many; what is younger stays', async () => {
    let ms = 100 * DAY;
    const clock = { now: () => asMono(ms), wall: () => asWall(ms) };
    const storage = await openInProcessStorage({ stores: [notesStore], clock });
    const notes = storage.store(notesStore);
    const outbox = storage.store(outboxStore);
    for (let i = 0; i < 1100; i += 1) await notes.add('t', { id: `${i}`, text: '', flag: false });
    ms += 3 * DAY;
    await notes.add('t', { id: 'younger', text: '', flag: false });
    ms += 4 * DAY;
    assert.equal(await forgetEvents(outbox, clock), 0);
    ms += 1;
    assert.equal(await forgetEvents(outbox, clock), 1100);
    const left = await outbox.system.after(0, 10);
    assert.deepEqual(
      left.map(({ data }) => data),
      [{ id: 'younger' }],
    );
    await storage.close();
  });
});
