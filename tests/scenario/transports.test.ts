import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encode } from '@strowger/proto';
import type { Phone, PhoneCall } from '@strowger/testkit';
import { Rig } from './support/rig.ts';
import { SERVER_ADDRESS, SERVER_ADDRESS_V6 } from './support/server.ts';
import { Voice } from './support/voice.ts';

const KINDS = [
  { label: 'UDP over IPv4', transport: 'udp', v6: false },
  { label: 'TCP over IPv4', transport: 'tcp', v6: false },
  { label: 'UDP over IPv6', transport: 'udp', v6: true },
  { label: 'TCP over IPv6', transport: 'tcp', v6: true },
] as const;

const optionsOf = ({ transport, v6 }: (typeof KINDS)[number]) => ({ transport, v6 });

async function hear(rig: Rig, ...ends: readonly (readonly [Phone, PhoneCall])[]) {
  const voices = await Promise.all(ends.map(([phone, call], i) => Voice.open(phone, call, i + 1)));
  for (const voice of voices) voice.speak(10);
  await rig.clock.run(1000);
  for (const { heard, ssrc } of voices) assert.deepEqual([...heard], [[3 - ssrc, 10]], rig.story(`${ssrc} hears`));
  for (const voice of voices) await voice.close();
}

suite('every kind of phone calls every other', () => {
  for (const from of KINDS) {
    for (const to of KINDS) {
      test(`ARCHITECTURE, Calls from ${from.label} to ${to.label}: heard in both directions, held, resumed, hung up`, async () => {
        const rig = await Rig.start();
        const alice = await rig.phone('alice', '1001', optionsOf(from));
        const bob = await rig.phone('bob', '1002', optionsOf(to));
        const a = alice.call('1002');
        await rig.clock.run(2000);
        const b = bob.lastCall;
        assert.ok(b && a.phase === 'talking', rig.story('not talking'));
        assert.equal(a.heard?.address, from.v6 ? SERVER_ADDRESS_V6 : SERVER_ADDRESS);
        assert.equal(b.heard?.address, to.v6 ? SERVER_ADDRESS_V6 : SERVER_ADDRESS);
        await hear(rig, [alice, a], [bob, b]);
        b.hold();
        await rig.clock.run(1000);
        assert.ok(a.heldByPeer);
        b.resume();
        await rig.clock.run(1000);
        await hear(rig, [alice, a], [bob, b]);
        b.hangUp();
        await rig.over();
        assert.equal((await rig.record()).reason, 'callee-hung-up');
      });
    }
  }

  test('one extension with a phone of each kind: all ring, each can be the one that answers', async () => {
    for (const answering of KINDS.keys()) {
      const rig = await Rig.start();
      const alice = await rig.phone('alice', '1001');
      const bobs: Phone[] = [];
      for (const [i, kind] of KINDS.entries()) bobs.push(await rig.phone(`bob${i}`, '1002', optionsOf(kind)));
      for (const bob of bobs) bob.behaviour = { kind: 'ring' };
      const winner = bobs[answering] as Phone;
      winner.behaviour = { kind: 'answer', afterMs: 1000 };
      const a = alice.call('1002');
      await rig.clock.run(3000);
      const b = winner.lastCall;
      assert.ok(b && a.phase === 'talking', rig.story('not talking'));
      assert.deepEqual(
        bobs.map(({ lastCall }) => lastCall?.phase),
        bobs.map((bob) => (bob === winner ? 'talking' : 'ended')),
      );
      await hear(rig, [alice, a], [winner, b]);
      assert.equal(rig.server.media.held().bridges, 1, 'the other family’s bridge went back');
      a.hangUp();
      await rig.over();
    }
  });

  test('RFC 3261 §18.1.1 an INVITE too large for UDP comes by TCP, from a phone on UDP; the call is one like any other', async () => {
    const rig = await Rig.start();
    const alice = await rig.phone('alice', '1001');
    const bob = await rig.phone('bob', '1002');
    rig.mark();
    const a = alice.call('1002', [['Subject', encode('x'.repeat(2000))]]);
    await rig.clock.run(2000);
    const invite = rig.network.packets.find(({ text }) => text.startsWith('INVITE'));
    assert.equal(invite?.transport, 'tcp');
    assert.deepEqual([a.phase, bob.lastCall?.phase], ['talking', 'talking'], rig.story('not talking'));
    bob.lastCall?.hold();
    await rig.clock.run(1000);
    assert.ok(a.heldByPeer);
    bob.lastCall?.hangUp();
    await rig.over();
  });

  test('RFC 3261 §18.1.1 after kill -9 the connections are gone: phones on TCP are reached by new ones', async () => {
    const rig = await Rig.start();
    const alice = await rig.phone('alice', '1001', { transport: 'tcp' });
    const bob = await rig.phone('bob', '1002', { transport: 'tcp' });
    const a = alice.call('1002');
    await rig.clock.run(2000);
    rig.server.crash();
    await rig.clock.run(1000);
    await rig.server.restart();
    await rig.clock.run(1000);
    a.hold();
    await rig.clock.run(2000);
    assert.ok(bob.lastCall?.heldByPeer, rig.story('the re-INVITE did not get through'));
    bob.lastCall?.hangUp();
    await rig.over();
    assert.equal(a.phase, 'ended');
    const again = bob.call('1001');
    await rig.clock.run(2000);
    assert.equal(again.phase, 'talking');
    again.hangUp();
    await rig.clock.run(70_000);
    assert.deepEqual(
      Object.entries(rig.server.leftovers()).filter(([, n]) => n !== 0),
      [],
    );
  });

  test('RFC 3261 §18.4 a TCP phone whose connection breaks while it rings: the call goes on without it', async () => {
    const rig = await Rig.start();
    const alice = await rig.phone('alice', '1001');
    const bob = await rig.phone('bob', '1002', { transport: 'tcp' });
    bob.behaviour = { kind: 'ring' };
    const a = alice.call('1002');
    await rig.clock.run(2000);
    await bob.close();
    await rig.clock.run(70_000);
    assert.equal(a.phase, 'ended', rig.story('alice hears ringing for ever'));
    assert.deepEqual(
      Object.entries(rig.server.leftovers()).filter(([, n]) => n !== 0),
      [],
    );
  });
});
