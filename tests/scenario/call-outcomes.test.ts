import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Behaviour } from '@strowger/testkit';
import { Rig } from './support/rig.ts';

/** Alice and Bob, who does as told. */
async function pair(behaviour: Behaviour, config = '') {
  const rig = await Rig.start({ config });
  const alice = await rig.phone('alice', '1001');
  const bob = await rig.phone('bob', '1002');
  bob.behaviour = behaviour;
  rig.mark();
  return { rig, alice, bob };
}

/** What every call to a phone that is there begins with. Alice's credentials are good for more than one request. */
const BEGINNING = ['alice → server INVITE', 'server → bob INVITE'];

suite('how a call may end, message by message', () => {
  test('RFC 3665 §3.1 answered, and hung up by the caller', async () => {
    const { rig, alice } = await pair({ kind: 'answer', afterMs: 1000 });
    const call = alice.call('1002');
    await rig.clock.run(5000);
    call.hangUp();
    await rig.over();
    assert.deepEqual(rig.said(), [
      ...BEGINNING,
      'bob → server 180 INVITE',
      'server → alice 180 INVITE',
      'bob → server 200 INVITE',
      'server → bob ACK',
      'server → alice 200 INVITE',
      'alice → server ACK',
      'alice → server BYE',
      'server → alice 200 BYE',
      'server → bob BYE',
      'bob → server 200 BYE',
    ]);
    assert.deepEqual(await rig.record(), {
      outcome: 'answered',
      endedBy: 'caller',
      reason: 'caller-hung-up',
      status: 200,
    });
  });

  test('RFC 3665 §3.1 hung up by the callee', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer' });
    alice.call('1002');
    await rig.clock.run(5000);
    rig.mark();
    bob.lastCall?.hangUp();
    await rig.over();
    assert.deepEqual(rig.said(), [
      'bob → server BYE',
      'server → bob 200 BYE',
      'server → alice BYE',
      'alice → server 200 BYE',
    ]);
    assert.deepEqual(await rig.record(), {
      outcome: 'answered',
      endedBy: 'callee',
      reason: 'callee-hung-up',
      status: 200,
    });
  });

  test('RFC 5407 §3.2.3 hung up by both at once: each BYE is answered 200, and there is one record', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer' });
    const call = alice.call('1002');
    await rig.clock.run(5000);
    rig.mark();
    call.hangUp();
    bob.lastCall?.hangUp();
    await rig.over();
    assert.deepEqual(rig.said(), [
      'alice → server BYE',
      'bob → server BYE',
      'server → alice 200 BYE',
      'server → bob BYE',
      'server → bob 200 BYE',
      'bob → server 200 BYE',
    ]);
    assert.equal((await rig.record()).outcome, 'answered');
  });

  test('RFC 5407 §3.1.2 cancelled as the callee answers: whoever is first, both ends agree', async () => {
    for (let apart = -30; apart <= 30; apart += 5) {
      const { rig, alice, bob } = await pair({ kind: 'answer', afterMs: 1000 });
      const call = alice.call('1002');
      await rig.clock.run(1010 + apart);
      call.hangUp();
      await rig.over();
      assert.deepEqual([call.phase, bob.lastCall?.phase], ['ended', 'ended'], rig.story(`${apart} ms apart`));
      await rig.record();
    }
  });

  test('RFC 3665 §3.8 cancelled by the caller while it rings', async () => {
    const { rig, alice, bob } = await pair({ kind: 'ring' });
    const call = alice.call('1002');
    await rig.clock.run(2000);
    call.hangUp();
    await rig.over();
    assert.deepEqual(rig.said(), [
      ...BEGINNING,
      'bob → server 180 INVITE',
      'server → alice 180 INVITE',
      'alice → server CANCEL',
      'server → alice 200 CANCEL',
      'server → alice 487 INVITE',
      'server → bob CANCEL',
      'alice → server ACK',
      'bob → server 200 CANCEL',
      'bob → server 487 INVITE',
      'server → bob ACK',
    ]);
    assert.equal(bob.lastCall?.cause, 'cancelled');
    assert.equal((await rig.record()).outcome, 'cancelled');
  });

  test('RFC 3261 §9.1 cancelled before the phone has said anything: the CANCEL waits for its first word', async () => {
    const { rig, alice, bob } = await pair({ kind: 'wait' });
    const call = alice.call('1002');
    await rig.clock.run(100);
    call.hangUp();
    await rig.over();
    assert.deepEqual(rig.said(), [
      ...BEGINNING,
      'server → alice 100 INVITE',
      'bob → server 100 INVITE',
      'alice → server CANCEL',
      'server → alice 200 CANCEL',
      'server → alice 487 INVITE',
      'server → bob CANCEL',
      'alice → server ACK',
      'bob → server 200 CANCEL',
      'bob → server 487 INVITE',
      'server → bob ACK',
    ]);
    assert.equal(bob.lastCall?.cause, 'cancelled');
    assert.equal((await rig.record()).outcome, 'cancelled');
  });

  for (const { behaviour, status, outcome, reason } of [
    { behaviour: 'busy', status: 486, outcome: 'busy', reason: 'callee-busy' },
    { behaviour: 'decline', status: 603, outcome: 'declined', reason: 'callee-declined' },
  ] as const) {
    test(`RFC 3261 §21 ${outcome}: the caller hears ${status}`, async () => {
      const { rig, alice } = await pair({ kind: behaviour });
      const call = alice.call('1002');
      await rig.over();
      assert.deepEqual(rig.said(), [
        ...BEGINNING,
        `bob → server ${status} INVITE`,
        'server → bob ACK',
        `server → alice ${status} INVITE`,
        'alice → server ACK',
      ]);
      assert.equal(call.status, status);
      assert.deepEqual(await rig.record(), { outcome, endedBy: 'callee', reason, status });
    });
  }

  test('RFC 3261 §16.7 what a phone says of itself alone (401, 302, 500) is told to the caller as 480', async () => {
    for (const status of [401, 302, 500]) {
      const { rig, alice } = await pair({ kind: 'reject', status });
      const call = alice.call('1002');
      await rig.over();
      assert.equal(call.status, 480);
      assert.equal((await rig.record()).outcome, 'refused');
    }
  });

  test('RFC 3261 §17.1.1.2 a phone that is off: seven INVITEs, then the caller hears 408', async () => {
    const { rig, alice } = await pair({ kind: 'silent' });
    const call = alice.call('1002');
    await rig.over();
    assert.deepEqual(rig.said(), [
      ...BEGINNING,
      'server → alice 100 INVITE',
      ...new Array<string>(6).fill('server → bob INVITE'),
      'server → alice 408 INVITE',
      'alice → server ACK',
    ]);
    assert.equal(call.status, 408);
    assert.deepEqual(await rig.record(), {
      outcome: 'no-response',
      endedBy: 'system',
      reason: 'callee-phones-silent',
      status: 408,
    });
  });

  test('nobody picks up: after the configured time the phone is cancelled and the caller hears 480', async () => {
    const { rig, alice, bob } = await pair({ kind: 'ring' }, 'calls: { ringSeconds: 20 }');
    const begun = rig.clock.now();
    const call = alice.call('1002');
    await rig.clock.until(() => call.phase === 'ended');
    assert.ok(Math.abs(rig.clock.now() - begun - 20_000) < 100, `${rig.clock.now() - begun} ms`);
    await rig.over();
    assert.deepEqual(rig.said().slice(4), [
      'server → bob CANCEL',
      'server → alice 480 INVITE',
      'bob → server 200 CANCEL',
      'bob → server 487 INVITE',
      'alice → server ACK',
      'server → bob ACK',
    ]);
    assert.equal(call.status, 480);
    assert.equal(bob.lastCall?.cause, 'cancelled');
    assert.deepEqual(await rig.record(), {
      outcome: 'no-answer',
      endedBy: 'system',
      reason: 'callee-did-not-answer',
      status: 480,
    });
  });

  for (const { what, target, status, reason } of [
    {
      what: 'an extension whose phone is not registered',
      target: '1003',
      status: 480,
      reason: 'extension-not-registered',
    },
    { what: 'an extension that nobody has', target: '4711', status: 404, reason: 'extension-unknown' },
    {
      what: 'somebody of a domain that is not ours',
      target: '1002@elsewhere.test',
      status: 404,
      reason: 'domain-not-served',
    },
  ]) {
    test(`${what}: ${status}, no phone rings, and the record says why`, async () => {
      const { rig, alice } = await pair({ kind: 'answer' });
      const call = alice.call(target);
      await rig.over();
      assert.deepEqual(rig.said(), ['alice → server INVITE', `server → alice ${status} INVITE`, 'alice → server ACK']);
      assert.equal(call.status, status);
      assert.deepEqual(await rig.record(), { outcome: 'failed', endedBy: 'system', reason, status });
      const [record] = await rig.server.cdrs();
      assert.deepEqual([record?.caller, record?.callee, record?.legs], ['1001', target, []]);
    });
  }

  test('calling oneself: the one phone there is rings, and the call can be declined', async () => {
    const { rig, bob } = await pair({ kind: 'decline' });
    const call = bob.call('1002');
    await rig.over();
    assert.equal(call.status, 603);
    assert.equal((await rig.record()).outcome, 'declined');
  });

  test('RFC 3261 §15 the phone of one side vanishes: the other hangs up, and the BYE that nobody answers times out', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer' });
    const call = alice.call('1002');
    await rig.clock.run(5000);
    await bob.close();
    rig.mark();
    call.hangUp();
    await rig.clock.run(70_000);
    assert.deepEqual(rig.said(), [
      'alice → server BYE',
      'server → alice 200 BYE',
      ...new Array<string>(11).fill('server → bob BYE ✗'),
    ]);
    assert.equal(call.phase, 'ended');
    assert.deepEqual(rig.server.leftovers(), nothing(rig));
    assert.equal((await rig.record()).outcome, 'answered');
  });

  test('RFC 3261 §13.3.1.4 the caller vanishes as the callee answers: no ACK comes, and the callee is hung up', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer', afterMs: 2000 });
    alice.call('1002');
    await rig.clock.run(1000);
    await alice.close();
    await rig.clock.run(140_000);
    assert.equal(bob.lastCall?.phase, 'ended');
    assert.deepEqual(rig.server.leftovers(), nothing(rig));
    assert.deepEqual(await rig.record(), {
      outcome: 'answered',
      endedBy: 'system',
      reason: 'caller-no-ack',
      status: 200,
    });
  });

  test('no media ports left: 503, nobody’s phone rings, and the call after a hang-up is taken', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer' }, 'media: { ports: 30000-30007 }');
    const carol = await rig.phone('carol', '1003');
    const [first, second] = [alice.call('1002'), bob.call('1001')];
    await rig.clock.run(1000);
    const third = carol.call('1002');
    await rig.clock.run(1000);
    assert.deepEqual([first.phase, second.phase, third.status], ['talking', 'talking', 503]);
    assert.equal(bob.calls.length, 2);
    first.hangUp();
    await rig.clock.run(1000);
    const fourth = carol.call('1002');
    await rig.clock.run(1000);
    assert.equal(fourth.phase, 'talking', 'ports that rest are taken before a call is refused');
    for (const call of [second, fourth]) call.hangUp();
    await rig.clock.run(70_000);
    assert.deepEqual(rig.server.leftovers(), nothing(rig));
  });

  test('the longest call there may be is hung up on both sides', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer' }, 'calls: { maxSeconds: 60 }');
    const call = alice.call('1002');
    await rig.clock.run(59_000);
    assert.equal(call.phase, 'talking');
    rig.mark();
    await rig.clock.run(2000);
    assert.deepEqual([call.phase, bob.lastCall?.phase], ['ended', 'ended']);
    assert.deepEqual(rig.said(), [
      'server → alice BYE',
      'server → bob BYE',
      'alice → server 200 BYE',
      'bob → server 200 BYE',
    ]);
    await rig.over();
    assert.deepEqual(await rig.record(), {
      outcome: 'answered',
      endedBy: 'system',
      reason: 'call-too-long',
      status: 200,
    });
  });
});

/** What a server with nothing to do holds. */
const nothing = (rig: Rig) => Object.fromEntries(Object.keys(rig.server.leftovers()).map((name) => [name, 0]));
