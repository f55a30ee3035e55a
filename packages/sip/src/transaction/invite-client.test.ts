import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import * as inviteClient from './invite-client.ts';
import type { ClientInput } from './machine.ts';
import { Rig, seeded, text } from './rig.ts';
import { DEFAULT_TIMING } from './timing.ts';

function start(reliable: boolean) {
  const rig = new Rig<inviteClient.InviteClient, ClientInput>(
    inviteClient,
    inviteClient.start(text('INVITE'), reliable, DEFAULT_TIMING, asMono(0)),
  );
  const now = () => asMono(rig.now);
  return Object.assign(rig, {
    receive: (status: number) =>
      rig.feed(
        { kind: 'response', now: now(), status, ...(status >= 300 ? { ack: text(`ACK-${status}`) } : {}) },
        `${status}`,
      ),
    cancel: () => rig.feed({ kind: 'cancel', now: now() }),
    break: () => rig.feed({ kind: 'transport-error', now: now() }),
    fallBack: () => rig.feed({ kind: 'fall-back', now: now(), request: text('INVITE-UDP') }),
  });
}

suite('INVITE client transaction', () => {
  test('RFC 3261 §17.1.1.2 over UDP, silence: seven INVITEs, doubling from T1, then Timer B', () => {
    const t = start(false);
    t.advanceTo(60_000);
    assert.deepEqual(t.log, [
      '0 send INVITE',
      '500 send INVITE',
      '1500 send INVITE',
      '3500 send INVITE',
      '7500 send INVITE',
      '15500 send INVITE',
      '31500 send INVITE',
      '32000 failed timeout',
    ]);
    assert.equal(t.state, 'terminated');
  });

  test('RFC 3261 §17.1.1.2 over TCP, silence: one INVITE, then Timer B', () => {
    const t = start(true);
    t.advanceTo(60_000);
    assert.deepEqual(t.log, ['0 send INVITE', '32000 failed timeout']);
  });

  test('RFC 3261 §17.1.1.2 a provisional response stops retransmission and Timer B, each goes up', () => {
    const t = start(false);
    t.advanceTo(600);
    t.receive(100);
    t.receive(180);
    t.advanceTo(180_000);
    assert.deepEqual(t.log, ['0 send INVITE', '500 send INVITE', '600 up 100', '600 up 180']);
    assert.equal(t.state, 'proceeding');
  });

  test('RFC 3261 §17.1.1.3 each retransmitted 486 is acknowledged, and passed up once, until Timer D', () => {
    const t = start(false);
    t.receive(486);
    t.advanceTo(500);
    t.receive(486);
    assert.deepEqual(t.log, ['0 send INVITE', '0 send ACK-486', '0 up 486', '500 send ACK-486']);
    assert.doesNotMatch(t.texts(), /INVITE"/);
    t.advanceTo(31_999);
    assert.equal(t.state, 'completed');
    t.advanceTo(32_000);
    assert.equal(t.state, 'terminated');
  });

  test('RFC 3261 §17.1.1.2 Timer D is zero over TCP', () => {
    const t = start(true);
    t.receive(180);
    t.receive(486);
    assert.deepEqual(t.log, ['0 send INVITE', '0 up 180', '0 send ACK-486', '0 up 486']);
    assert.equal(t.state, 'terminated');
  });

  for (const reliable of [true, false]) {
    test(`RFC 6026 §7.2 every 2xx of a fork reaches the TU until Timer M, ${reliable ? 'TCP' : 'UDP'}`, () => {
      const t = start(reliable);
      t.receive(200);
      assert.doesNotMatch(t.texts(), /INVITE"/, 'accepted holds no request');
      t.receive(183);
      t.receive(486);
      t.advanceTo(31_999);
      t.receive(200);
      t.advanceTo(32_000);
      t.receive(200);
      assert.deepEqual(t.log, ['0 send INVITE', '0 up 200', '31999 up 200']);
    });
  }

  test('RFC 3261 §9.1 CANCEL waits for a provisional response, then goes once', () => {
    const t = start(false);
    t.cancel();
    t.cancel();
    t.advanceTo(700);
    t.receive(100);
    t.cancel();
    t.receive(180);
    t.advanceTo(900);
    t.receive(487);
    assert.deepEqual(t.log, [
      '0 send INVITE',
      '500 send INVITE',
      '700 cancel',
      '700 up 100',
      '700 up 180',
      '900 send ACK-487',
      '900 up 487',
    ]);
  });

  test('RFC 3261 §9.1 a peer that never sends the 487 is given up 64·T1 after CANCEL', () => {
    const t = start(true);
    t.receive(180);
    t.advanceTo(10_000);
    t.cancel();
    t.advanceTo(100_000);
    assert.deepEqual(t.log, ['0 send INVITE', '0 up 180', '10000 cancel', '42000 failed timeout']);
  });

  test('RFC 3261 §9.1 no CANCEL after a final response', () => {
    const t = start(false);
    t.receive(200);
    t.cancel();
    assert.deepEqual(t.log, ['0 send INVITE', '0 up 200']);
  });

  test('RFC 3261 §18.1.1 refused stream: the timers start anew over UDP, a waiting CANCEL still waits', () => {
    const t = start(true);
    t.advanceTo(100);
    t.cancel();
    t.fallBack();
    t.advanceTo(1_000);
    t.receive(100);
    t.fallBack();
    assert.deepEqual(t.log, [
      '0 send INVITE',
      '100 send INVITE-UDP',
      '600 send INVITE-UDP',
      '1000 cancel',
      '1000 up 100',
    ]);
  });

  test('RFC 3261 §17.1.4 a transport error ends it; after the final response it says nothing more', () => {
    const a = start(false);
    a.break();
    assert.deepEqual(a.log, ['0 send INVITE', '0 failed transport']);
    const b = start(false);
    b.receive(486);
    b.break();
    assert.deepEqual(b.log, ['0 send INVITE', '0 send ACK-486', '0 up 486']);
    assert.equal(b.state, 'terminated');
  });

  test('any order of inputs: it ends, gives one verdict at most, is silent and empty once terminated', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seeded(seed);
      const t = start(seed % 2 === 0);
      for (let i = 0; i < 25; i += 1) {
        const before = t.state;
        const lines = t.log.length;
        const pick = random(12);
        if (pick < 4) t.advanceTo(t.now + random(20_000));
        else if (pick === 4) t.cancel();
        else if (pick === 5 && random(8) === 0) t.break();
        else if (pick === 6 && random(4) === 0) t.fallBack();
        else t.receive([100, 180, 200, 302, 486, 603][random(6)] ?? 100);
        if (before === 'terminated') assert.equal(t.log.length, lines, `seed ${seed}`);
        if (t.state === 'accepted' || t.state === 'terminated')
          assert.doesNotMatch(t.texts(), /INVITE"|ACK/, `seed ${seed}`);
      }
      t.cancel();
      t.receive(180);
      t.cancel();
      t.advanceTo(t.now + 64_001);
      assert.equal(t.state, 'terminated', `seed ${seed}`);
      const verdicts = t.log.filter((line) => /failed|up [3-6]/.test(line)).length;
      assert.ok(verdicts <= 1, `seed ${seed}: ${t.log.join('; ')}`);
    }
  });
});
