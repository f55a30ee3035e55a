import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import * as client from './client.ts';
import type { ClientInput } from './machine.ts';
import { Rig, seeded, text } from './rig.ts';
import { DEFAULT_TIMING } from './timing.ts';

function start(reliable: boolean) {
  const rig = new Rig<client.Client, ClientInput>(
    client,
    client.start(text('OPTIONS'), reliable, DEFAULT_TIMING, asMono(0)),
  );
  const now = () => asMono(rig.now);
  return Object.assign(rig, {
    receive: (status: number) => rig.feed({ kind: 'response', now: now(), status }, `${status}`),
    break: () => rig.feed({ kind: 'transport-error', now: now() }),
    fallBack: () => rig.feed({ kind: 'fall-back', now: now(), request: text('OPTIONS-UDP') }),
  });
}

const sendTimes = (log: readonly string[]) => log.filter((l) => l.includes('send')).map((l) => Number(l.split(' ')[0]));

suite('non-INVITE client transaction', () => {
  test('RFC 3261 §17.1.2.2 over UDP, silence: intervals double to T2 and stay there, then Timer F', () => {
    const t = start(false);
    t.advanceTo(60_000);
    assert.deepEqual(sendTimes(t.log), [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert.equal(t.log.at(-1), '32000 failed timeout');
    assert.equal(t.state, 'terminated');
  });

  test('RFC 3261 §17.1.2.2 over TCP, silence: one request, no text kept, then Timer F', () => {
    const t = start(true);
    assert.doesNotMatch(t.texts(), /OPTIONS/);
    t.advanceTo(60_000);
    assert.deepEqual(t.log, ['0 send OPTIONS', '32000 failed timeout']);
  });

  test('RFC 3261 §17.1.2.2 after a provisional response it retransmits every T2, and Timer F goes on', () => {
    const t = start(false);
    t.advanceTo(400);
    t.receive(100);
    t.advanceTo(40_000);
    assert.deepEqual(sendTimes(t.log), [0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]);
    assert.equal(t.log.at(-1), '32000 failed timeout');
  });

  test('RFC 3261 §17.1.2.2 completed absorbs retransmitted responses for T4, without the request', () => {
    const t = start(false);
    t.advanceTo(600);
    t.receive(200);
    assert.doesNotMatch(t.texts(), /OPTIONS/);
    t.receive(200);
    t.advanceTo(5_599);
    t.receive(200);
    assert.equal(t.state, 'completed');
    t.advanceTo(5_600);
    assert.equal(t.state, 'terminated');
    assert.deepEqual(t.log, ['0 send OPTIONS', '500 send OPTIONS', '600 up 200']);
  });

  test('RFC 3261 §17.1.2.2 Timer K is zero over TCP', () => {
    const t = start(true);
    t.receive(100);
    t.receive(404);
    assert.deepEqual(t.log, ['0 send OPTIONS', '0 up 100', '0 up 404']);
    assert.equal(t.state, 'terminated');
  });

  test('RFC 3261 §18.1.1 refused stream: all over again over UDP', () => {
    const t = start(true);
    t.advanceTo(100);
    t.fallBack();
    t.advanceTo(1_000);
    t.receive(200);
    assert.deepEqual(t.log, ['0 send OPTIONS', '100 send OPTIONS-UDP', '600 send OPTIONS-UDP', '1000 up 200']);
    assert.equal(t.state, 'completed');
  });

  test('RFC 3261 §17.1.4 a transport error ends it', () => {
    const t = start(true);
    t.break();
    t.break();
    assert.deepEqual(t.log, ['0 send OPTIONS', '0 failed transport']);
  });

  test('any order of inputs: one verdict, an end, silence after it, no text when absorbing', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seeded(seed);
      const t = start(seed % 2 === 0);
      for (let i = 0; i < 20; i += 1) {
        const before = t.state;
        const lines = t.log.length;
        const pick = random(10);
        if (pick < 5) t.advanceTo(t.now + random(8_000));
        else if (pick === 5 && random(8) === 0) t.break();
        else if (pick === 6) t.fallBack();
        else t.receive([100, 180, 200, 404][random(4)] ?? 100);
        if (before === 'terminated') assert.equal(t.log.length, lines, `seed ${seed}`);
        if (before === 'completed' || before === 'terminated') assert.doesNotMatch(t.texts(), /OPTIONS/);
      }
      t.advanceTo(t.now + 32_001);
      assert.equal(t.state, 'terminated', `seed ${seed}`);
      assert.equal(t.log.filter((l) => /failed|up [2-6]/.test(l)).length, 1, `seed ${seed}: ${t.log.join('; ')}`);
    }
  });
});
