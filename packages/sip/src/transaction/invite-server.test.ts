import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import * as inviteServer from './invite-server.ts';
import type { ServerInput } from './machine.ts';
import { Rig, seeded, text } from './rig.ts';
import { DEFAULT_TIMING } from './timing.ts';

function start(reliable: boolean) {
  const rig = new Rig<inviteServer.InviteServer, ServerInput>(inviteServer, [
    inviteServer.start(reliable, DEFAULT_TIMING, asMono(0)),
    [],
  ]);
  const now = () => asMono(rig.now);
  return Object.assign(rig, {
    respond: (status: number) => rig.feed({ kind: 'respond', now: now(), status, text: text(`r${status}`) }),
    again: () => rig.feed({ kind: 'retransmission', now: now() }),
    ack: () => rig.feed({ kind: 'ack', now: now() }),
    break: () => rig.feed({ kind: 'transport-error', now: now() }),
  });
}

suite('INVITE server transaction', () => {
  test('RFC 3261 §17.2.1 a TU that is silent for 200 ms: a 100 is due, once', () => {
    const t = start(false);
    t.advanceTo(199);
    assert.deepEqual(t.log, []);
    t.advanceTo(10_000);
    assert.deepEqual(t.log, ['200 trying-due']);
  });

  test('RFC 3261 §17.2.1 a TU that answers in time: no 100; the latest provisional answers retransmissions', () => {
    const t = start(false);
    t.advanceTo(150);
    t.respond(180);
    t.advanceTo(500);
    t.again();
    t.respond(183);
    t.again();
    assert.deepEqual(t.log, ['150 send r180', '500 send r180', '500 send r183', '500 send r183']);
  });

  test('RFC 3261 §17.2.1 a retransmission before anything was said makes the 100 due at once', () => {
    const t = start(false);
    t.advanceTo(100);
    t.again();
    t.respond(100);
    t.advanceTo(1_000);
    assert.deepEqual(t.log, ['100 trying-due', '100 send r100']);
  });

  test('RFC 3261 §17.2.1 a 486 over UDP is retransmitted, doubling to T2, until Timer H reports that no ACK came', () => {
    const t = start(false);
    t.respond(486);
    t.advanceTo(60_000);
    const times = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500];
    assert.deepEqual(t.log, [...times.map((at) => `${at} send r486`), '32000 failed timeout']);
    assert.equal(t.state, 'terminated');
  });

  test('RFC 3261 §17.2.1 over UDP the ACK stops it, and is absorbed until Timer I, without a text', () => {
    const t = start(false);
    t.respond(180);
    t.respond(486);
    t.advanceTo(200);
    t.again();
    t.ack();
    assert.equal(t.state, 'confirmed');
    assert.doesNotMatch(t.texts(), /r\d/);
    t.ack();
    t.again();
    t.advanceTo(5_199);
    assert.equal(t.state, 'confirmed');
    t.advanceTo(5_200);
    assert.equal(t.state, 'terminated');
    assert.deepEqual(t.log, ['0 send r180', '0 send r486', '200 send r486']);
  });

  test('RFC 3261 §17.2.1 over TCP: the 486 goes once and is not kept, Timer I is zero', () => {
    const t = start(true);
    t.respond(486);
    assert.doesNotMatch(t.texts(), /r\d/);
    t.advanceTo(10_000);
    t.ack();
    assert.deepEqual(t.log, ['0 send r486']);
    assert.equal(t.state, 'terminated');
  });

  test('RFC 3261 §17.2.1 over TCP without an ACK: Timer H', () => {
    const t = start(true);
    t.respond(486);
    t.advanceTo(40_000);
    assert.deepEqual(t.log, ['0 send r486', '32000 failed timeout']);
  });

  test('RFC 6026 §7.1 accepted lets each 2xx of the TU through, absorbs the INVITE, keeps no text, ends by Timer L', () => {
    const t = start(false);
    t.respond(180);
    t.respond(200);
    assert.equal(t.state, 'accepted');
    assert.doesNotMatch(t.texts(), /r\d/);
    t.again();
    t.advanceTo(500);
    t.respond(200);
    t.respond(180);
    t.respond(486);
    t.ack();
    t.advanceTo(31_999);
    t.again();
    assert.equal(t.state, 'accepted');
    t.advanceTo(32_000);
    assert.equal(t.state, 'terminated');
    assert.deepEqual(t.log, ['0 send r180', '0 send r200', '500 send r200', '500 up ACK']);
  });

  test('RFC 3261 §17.2.4 and RFC 6026 §7.1 a transport error is told, and ends all but accepted', () => {
    const a = start(true);
    a.respond(486);
    a.break();
    assert.deepEqual([a.state, ...a.log], ['terminated', '0 send r486', '0 failed transport']);
    const b = start(true);
    b.respond(200);
    b.break();
    assert.deepEqual([b.state, ...b.log], ['accepted', '0 send r200', '0 failed transport']);
  });

  test('any order of inputs: an answered transaction ends, is silent then, and holds no text when absorbing', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seeded(seed);
      const t = start(seed % 2 === 0);
      for (let i = 0; i < 25; i += 1) {
        const before = t.state;
        const lines = t.log.length;
        const pick = random(12);
        if (pick < 4) t.advanceTo(t.now + random(8_000));
        else if (pick < 6) t.again();
        else if (pick < 8) t.ack();
        else if (pick === 8 && random(8) === 0) t.break();
        else t.respond([100, 180, 183, 200, 486, 603][random(6)] ?? 100);
        if (before === 'terminated') assert.equal(t.log.length, lines, `seed ${seed}`);
        if (['accepted', 'confirmed', 'terminated'].includes(t.state)) assert.doesNotMatch(t.texts(), /r\d/);
      }
      t.respond(500);
      t.advanceTo(t.now + 37_001);
      assert.equal(t.state, 'terminated', `seed ${seed}`);
    }
  });
});
