import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import type { ServerInput } from './machine.ts';
import { Rig, seeded, text } from './rig.ts';
import * as server from './server.ts';
import { DEFAULT_TIMING, tryingAfter } from './timing.ts';

function start(reliable: boolean) {
  const rig = new Rig<server.Server, ServerInput>(server, [server.start(reliable, DEFAULT_TIMING, asMono(0)), []]);
  const now = () => asMono(rig.now);
  return Object.assign(rig, {
    respond: (status: number) => rig.feed({ kind: 'respond', now: now(), status, text: text(`r${status}`) }),
    again: () => rig.feed({ kind: 'retransmission', now: now() }),
    break: () => rig.feed({ kind: 'transport-error', now: now() }),
  });
}

suite('non-INVITE server transaction', () => {
  test('RFC 3261 §17.2.2 retransmissions are absorbed while trying, then answered with the final response until Timer J', () => {
    const t = start(false);
    t.again();
    t.advanceTo(600);
    t.respond(200);
    t.respond(404);
    t.advanceTo(700);
    t.again();
    t.advanceTo(32_599);
    t.again();
    t.advanceTo(32_600);
    t.again();
    assert.deepEqual(t.log, ['600 send r200', '700 send r200', '32599 send r200']);
    assert.equal(t.state, 'terminated');
    assert.doesNotMatch(t.texts(), /r200/);
  });

  test('RFC 3261 §17.2.2 Timer J is zero over TCP', () => {
    const t = start(true);
    t.respond(200);
    assert.deepEqual([t.state, ...t.log], ['terminated', '0 send r200']);
  });

  test('RFC 4320 §4.1 Timer E stands at T2 after 3.5 s', () => {
    assert.equal(tryingAfter(DEFAULT_TIMING), 3_500);
    assert.equal(tryingAfter({ T1: 4_000, T2: 4_000, T4: 5_000 }), 4_000);
  });

  test('RFC 4320 §4.1 over UDP no 100 before that, then one is due, and answers retransmissions', () => {
    const t = start(false);
    t.respond(100);
    t.advanceTo(3_499);
    t.respond(100);
    assert.deepEqual(t.log, []);
    t.advanceTo(3_500);
    t.respond(100);
    t.again();
    t.advanceTo(5_000);
    t.respond(200);
    assert.deepEqual(t.log, ['3500 trying-due', '3500 send r100', '3500 send r100', '5000 send r200']);
  });

  test('RFC 4320 §4.1 over TCP a 100 may go at any time', () => {
    const t = start(true);
    t.advanceTo(10);
    t.respond(100);
    t.advanceTo(10_000);
    assert.deepEqual(t.log, ['10 send r100']);
  });

  test('RFC 4320 §4.1 no other provisional response ever', () => {
    const t = start(true);
    t.respond(180);
    t.respond(183);
    assert.deepEqual([t.state, ...t.log], ['trying']);
  });

  test('RFC 4320 §4.2 never a 408: retransmissions are absorbed in silence', () => {
    const t = start(false);
    t.respond(408);
    t.again();
    assert.deepEqual([t.state, ...t.log], ['completed']);
    t.advanceTo(32_000);
    assert.equal(t.state, 'terminated');
  });

  test('RFC 4320 §4.2 a TU that never answers: the transaction ends unanswered after 64·T1', () => {
    const t = start(false);
    t.advanceTo(40_000);
    assert.deepEqual(t.log, ['3500 trying-due', '32000 failed timeout']);
    const u = start(true);
    u.respond(100);
    u.advanceTo(40_000);
    assert.deepEqual(u.log, ['0 send r100', '32000 failed timeout']);
  });

  test('RFC 3261 §17.2.4 a transport error ends it', () => {
    const t = start(false);
    t.respond(200);
    t.break();
    t.again();
    assert.deepEqual([t.state, ...t.log], ['terminated', '0 send r200', '0 failed transport']);
  });

  test('any order of inputs: it ends, one final response in all, silence and no text after', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seeded(seed);
      const t = start(seed % 2 === 0);
      for (let i = 0; i < 25; i += 1) {
        const before = t.state;
        const lines = t.log.length;
        const pick = random(10);
        if (pick < 4) t.advanceTo(t.now + random(8_000));
        else if (pick < 7) t.again();
        else if (pick === 7 && random(8) === 0) t.break();
        else t.respond([100, 180, 200, 404, 408][random(5)] ?? 100);
        if (before === 'terminated') assert.equal(t.log.length, lines, `seed ${seed}`);
      }
      t.advanceTo(t.now + 32_001);
      assert.equal(t.state, 'terminated', `seed ${seed}`);
      assert.doesNotMatch(t.texts(), /r\d/);
      const finals = new Set(t.log.filter((l) => /send r[2-6]/.test(l)).map((l) => l.split(' ')[2]));
      assert.ok(finals.size <= 1 && !finals.has('r408'), `seed ${seed}: ${t.log.join('; ')}`);
    }
  });
});
