import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Behaviour, Phone, PhoneCall } from '@strowger/testkit';
import { Rig } from './support/rig.ts';
import { Voice } from './support/voice.ts';

async function pair(behaviour: Behaviour = { kind: 'answer' }) {
  const rig = await Rig.start();
  const alice = await rig.phone('alice', '1001');
  const bob = await rig.phone('bob', '1002');
  bob.behaviour = behaviour;
  rig.mark();
  return { rig, alice, bob };
}

async function talking() {
  const { rig, alice, bob } = await pair();
  const a = alice.call('1002');
  await rig.clock.run(3000);
  const b = bob.lastCall;
  assert.ok(b?.phase === 'talking' && a.phase === 'talking', rig.story('not talking'));
  rig.mark();
  return { rig, alice, bob, a, b };
}

/** Fails unless each hears the other and not itself. */
async function hear(rig: Rig, ...ends: readonly (readonly [Phone, PhoneCall])[]) {
  const voices = await Promise.all(ends.map(([phone, call], i) => Voice.open(phone, call, i + 1)));
  for (const voice of voices) voice.speak(10);
  await rig.clock.run(1000);
  for (const { heard, ssrc } of voices) {
    assert.deepEqual([...heard], [[3 - ssrc, 10]], rig.story(`party ${ssrc} heard ${JSON.stringify([...heard])}`));
  }
  for (const voice of voices) await voice.close();
}

suite('offers and answers through the server', () => {
  test('RFC 3264 §5 a call is heard in both directions, and again after hold and resume', async () => {
    const { rig, alice, bob, a, b } = await talking();
    await hear(rig, [alice, a], [bob, b]);
    a.hold();
    await rig.clock.run(1000);
    assert.ok(b.heldByPeer);
    a.resume();
    await rig.clock.run(1000);
    assert.ok(!b.heldByPeer);
    await hear(rig, [alice, a], [bob, b]);
    b.hangUp();
    await rig.over();
  });

  test('RFC 3264 §8.4 hold, message by message', async () => {
    const { rig, a, b } = await talking();
    a.hold();
    await rig.clock.run(1000);
    assert.deepEqual(rig.said(), [
      'alice → server INVITE',
      'server → bob INVITE',
      'bob → server 200 INVITE',
      'server → alice 200 INVITE',
      'server → bob ACK',
      'alice → server ACK',
    ]);
    assert.deepEqual([a.heard?.direction, b.heard?.direction], ['recvonly', 'sendonly']);
    b.hold();
    await rig.clock.run(1000);
    assert.deepEqual([a.heard?.direction, b.heard?.direction], ['sendonly', 'inactive'], 'both hold: nobody hears');
    a.hangUp();
    await rig.over();
  });

  test('RFC 3261 §14.1 both hold at once: 491 to both, and both get their way one after the other', async () => {
    const { rig, a, b } = await talking();
    a.hold();
    b.hold();
    await rig.clock.run(100);
    const early = rig.said();
    assert.ok(
      early.includes('server → alice 491 INVITE') || early.includes('server → bob 491 INVITE'),
      early.join('\n'),
    );
    await rig.clock.run(10_000);
    assert.deepEqual([a.phase, b.phase], ['talking', 'talking']);
    assert.ok(a.heldByPeer && b.heldByPeer, rig.story(`${a.heard?.direction} ${b.heard?.direction}`));
    a.hangUp();
    await rig.over();
  });

  test('RFC 3261 §14.1 many times both at once: nobody is left with an open exchange', async () => {
    for (const apart of [0, 1, 5, 9, 10, 11, 15, 20, 25, 30]) {
      const { rig, a, b } = await talking();
      const press = async (call: PhoneCall, what: 'hold' | 'resume') => {
        do {
          call[what]();
          await rig.clock.run(apart);
          // "Not now": the phone itself waits for an ACK.
        } while (call.offerRefused !== undefined);
      };
      await press(a, 'hold');
      await press(b, 'hold');
      await rig.clock.run(15_000);
      assert.ok(
        a.heldByPeer && b.heldByPeer,
        rig.story(`${apart} ms apart: ${a.heard?.direction} ${b.heard?.direction}`),
      );
      await press(a, 'resume');
      await press(b, 'resume');
      await rig.clock.run(15_000);
      assert.deepEqual(
        [a.heard?.direction, b.heard?.direction],
        ['sendrecv', 'sendrecv'],
        rig.story(`${apart} ms apart`),
      );
      b.hangUp();
      await rig.over();
    }
  });

  test('RFC 3261 §13.2.1 an INVITE without an offer: the phone’s goes to the caller in the 200, its ACK answers', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer', afterMs: 1000 });
    alice.offers = false;
    const a = alice.call('1002');
    await rig.clock.run(3000);
    assert.deepEqual(rig.said(), [
      'alice → server INVITE',
      'server → bob INVITE',
      'bob → server 180 INVITE',
      'server → alice 180 INVITE',
      'bob → server 200 INVITE',
      'server → alice 200 INVITE',
      'alice → server ACK',
      'server → bob ACK',
    ]);
    const b = bob.lastCall;
    assert.ok(b);
    await hear(rig, [alice, a], [bob, b]);
    a.hangUp();
    await rig.over();
    assert.equal((await rig.record()).outcome, 'answered');
  });

  test('RFC 3261 §14.2 a re-INVITE without an offer: the other is asked for one, and the ACKs answer', async () => {
    const { rig, alice, bob, a, b } = await talking();
    alice.offers = false;
    a.resume();
    await rig.clock.run(1000);
    assert.deepEqual(rig.said(), [
      'alice → server INVITE',
      'server → bob INVITE',
      'bob → server 200 INVITE',
      'server → alice 200 INVITE',
      'alice → server ACK',
      'server → bob ACK',
    ]);
    await hear(rig, [alice, a], [bob, b]);
    b.hold();
    await rig.clock.run(1000);
    assert.ok(a.heldByPeer, 'the next offer goes through as ever');
    a.hangUp();
    await rig.over();
  });

  test('RFC 3960 early media: a 183 with a description reaches the caller, and what is played is heard', async () => {
    const { rig, alice, bob } = await pair({ kind: 'wait' });
    const a = alice.call('1002');
    await rig.clock.run(100);
    const b = bob.lastCall;
    assert.ok(b);
    b.progress(183, { media: true });
    await rig.clock.run(100);
    assert.equal(a.status, 183);
    await hear(rig, [alice, a], [bob, b]);
    b.answer();
    await rig.clock.run(1000);
    assert.deepEqual([a.phase, b.phase], ['talking', 'talking']);
    await hear(rig, [alice, a], [bob, b]);
    assert.deepEqual(
      rig.said().filter((line) => line.startsWith('server → alice')),
      ['server → alice 183 INVITE', 'server → alice 200 INVITE'],
    );
    a.hangUp();
    await rig.over();
  });

  test('RFC 3261 §14.1 a re-INVITE refused (488): the call goes on as it was', async () => {
    const { rig, alice, bob, a, b } = await talking();
    bob.refusesOffers = 488;
    a.hold();
    await rig.clock.run(1000);
    assert.deepEqual(rig.said(), [
      'alice → server INVITE',
      'server → bob INVITE',
      'bob → server 488 INVITE',
      'server → bob ACK',
      'server → alice 488 INVITE',
      'alice → server ACK',
    ]);
    assert.deepEqual([a.phase, b.phase, a.offerRefused], ['talking', 'talking', 488]);
    await hear(rig, [alice, a], [bob, b]);
    b.hold();
    await rig.clock.run(1000);
    assert.ok(a.heldByPeer, 'and another offer is taken');
    a.hangUp();
    await rig.over();
  });

  test('RFC 3261 §12.2.1.2 a re-INVITE that nobody answers: the call is lost on both sides', async () => {
    const { rig, bob, a } = await talking();
    await bob.close();
    a.hold();
    await rig.clock.run(70_000);
    assert.equal(a.phase, 'ended');
    const left = Object.entries(rig.server.leftovers()).filter(([, n]) => n !== 0);
    assert.deepEqual(left, []);
    assert.equal((await rig.record()).reason, 'callee-lost');
  });

  test('RFC 3264 §8 the version of our descriptions goes up with each, and the session stays one', async () => {
    const { rig, a, b } = await talking();
    a.hold();
    await rig.clock.run(1000);
    b.hold();
    await rig.clock.run(1000);
    a.hangUp();
    await rig.over();
    for (const name of ['alice', 'bob']) {
      const origins = rig.network.packets
        .filter(({ fromHost, toHost }) => fromHost === 'server' && toHost === name)
        .map(({ text }) => /\r\no=- (\d+) (\d+) IN IP4 192\.0\.2\.100\r\n/.exec(text))
        .filter((found) => found !== null);
      assert.equal(new Set(origins.map(([, id]) => id)).size, 1, name);
      const versions = origins.map(([, , version]) => Number(version));
      assert.deepEqual(
        versions,
        [...versions].sort((x, y) => x - y),
      );
      assert.equal(new Set(versions).size, versions.length);
    }
  });
});
