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
  return { rig, alice, bob };
}

async function talking() {
  const { rig, alice, bob } = await pair();
  const a = alice.call('1002');
  await rig.clock.run(3000);
  const b = bob.lastCall;
  assert.ok(b && a.phase === 'talking', rig.story('not talking'));
  const voices = [await Voice.open(alice, a, 1), await Voice.open(bob, b, 2)] as const;
  return { rig, alice, bob, a, b, voices };
}

/** Both speak for a moment; how many packets each has heard of the other since. */
async function heard(rig: Rig, [first, second]: readonly [Voice, Voice]): Promise<readonly [number, number]> {
  for (const voice of [first, second]) {
    voice.heard.clear();
    voice.speak(10);
  }
  await rig.clock.run(500);
  return [first.heard.get(second.ssrc) ?? 0, second.heard.get(first.ssrc) ?? 0];
}

const ports = (...calls: readonly PhoneCall[]) => calls.map((call) => call.heard?.port);

/** Kills media and has it started again, as the supervisor does. */
async function mediaDies(rig: Rig, forMs = 1000): Promise<void> {
  rig.server.media.crash();
  await rig.clock.run(forMs);
  rig.server.media.start();
  await rig.clock.run(500);
}

suite('kill -9 of media', () => {
  test('ARCHITECTURE, Processes the bridges are made anew on the ports that the phones know: they hear each other again, and are told nothing', async () => {
    const { rig, a, b, voices } = await talking();
    assert.deepEqual(await heard(rig, voices), [10, 10]);
    const before = ports(a, b);
    rig.mark();
    rig.server.media.crash();
    assert.deepEqual(await heard(rig, voices), [0, 0]);
    rig.server.media.start();
    await rig.clock.run(500);
    assert.deepEqual(await heard(rig, voices), [10, 10], 'silence after media came back');
    assert.deepEqual(rig.said(), [], 'no re-INVITE was needed');
    a.hold();
    await rig.clock.run(1000);
    assert.ok(b.heldByPeer);
    a.resume();
    await rig.clock.run(1000);
    assert.deepEqual(ports(a, b), before);
    assert.deepEqual(await heard(rig, voices), [10, 10]);
    a.hangUp();
    await rig.over();
  });

  test('again and again, and many calls at once', async () => {
    const rig = await Rig.start({ people: ['1001', '1002', '1003', '1004', '1005', '1006'] });
    const phones: Phone[] = [];
    for (const extension of ['1001', '1002', '1003', '1004', '1005', '1006']) {
      phones.push(await rig.phone(`phone${extension}`, extension));
    }
    const calls = ['1004', '1005', '1006'].map((callee, i) => (phones[i] as Phone).call(callee));
    await rig.clock.run(2000);
    const lines: [Voice, Voice][] = [];
    for (const [i, call] of calls.entries()) {
      const [caller, callee] = [phones[i] as Phone, phones[i + 3] as Phone];
      const theirs = callee.lastCall as PhoneCall;
      lines.push([await Voice.open(caller, call, 10 * i + 1), await Voice.open(callee, theirs, 10 * i + 2)]);
    }
    for (let times = 0; times < 3; times += 1) {
      await mediaDies(rig);
      for (const line of lines) assert.deepEqual(await heard(rig, line), [10, 10]);
    }
    for (const call of calls) call.hangUp();
    await rig.over();
  });

  test('while it is away a new call is refused 503, and one that ends leaves nothing', async () => {
    const { rig, alice, bob, a } = await talking();
    const carol = await rig.phone('carol', '1003');
    rig.server.media.crash();
    const call = carol.call('1001');
    await rig.clock.run(1000);
    assert.equal(call.status, 503);
    assert.equal(alice.calls.length, 1, 'her phone does not ring');
    a.hangUp();
    await rig.clock.run(1000);
    assert.equal(bob.lastCall?.phase, 'ended');
    rig.server.media.start();
    await rig.clock.run(1000);
    alice.call('1003');
    await rig.clock.run(1000);
    assert.equal(carol.lastCall?.phase, 'talking', 'calls are taken again');
    carol.lastCall?.hangUp();
    await rig.clock.run(70_000);
    const left = Object.entries(rig.server.leftovers()).filter(([, n]) => n !== 0);
    assert.deepEqual(left, []);
  });

  test('while a phone rings: it is answered, and both hear each other', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer', afterMs: 5000 });
    const a = alice.call('1002');
    await rig.clock.run(1000);
    await mediaDies(rig);
    await rig.clock.run(5000);
    const b = bob.lastCall;
    assert.ok(b && a.phase === 'talking', rig.story('not talking'));
    const voices = [await Voice.open(alice, a, 1), await Voice.open(bob, b, 2)] as const;
    assert.deepEqual(await heard(rig, voices), [10, 10]);
    a.hangUp();
    await rig.over();
  });

  test('a phone answers while it is away: they hear each other as soon as it is back', async () => {
    const { rig, alice, bob } = await pair({ kind: 'answer', afterMs: 2000 });
    const a = alice.call('1002');
    await rig.clock.run(1000);
    await mediaDies(rig, 3000);
    const b = bob.lastCall;
    assert.ok(b && a.phase === 'talking', rig.story('not talking'));
    const voices = [await Voice.open(alice, a, 1), await Voice.open(bob, b, 2)] as const;
    assert.deepEqual(await heard(rig, voices), [10, 10]);
    a.hangUp();
    await rig.over();
  });

  test('a hold while it is away is answered, and holds when it is back', async () => {
    const { rig, a, b, voices } = await talking();
    rig.server.media.crash();
    a.hold();
    await rig.clock.run(1000);
    assert.ok(b.heldByPeer);
    a.resume();
    await rig.clock.run(1000);
    rig.server.media.start();
    await rig.clock.run(500);
    assert.deepEqual(await heard(rig, voices), [10, 10]);
    a.hangUp();
    await rig.over();
  });

  test('both processes die: what the snapshot says is enough to be heard again', async () => {
    const { rig, a, voices } = await talking();
    for (const signallingFirst of [true, false]) {
      rig.server.crash();
      rig.server.media.crash();
      await rig.clock.run(1000);
      if (signallingFirst) await rig.server.restart();
      rig.server.media.start();
      await rig.clock.run(500);
      if (!signallingFirst) await rig.server.restart();
      await rig.clock.run(500);
      assert.deepEqual(await heard(rig, voices), [10, 10], signallingFirst ? 'signalling first' : 'media first');
    }
    a.hangUp();
    await rig.over();
  });

  test('another program takes a port meanwhile: the call is hung up, for its phones would speak to nobody', async () => {
    const { rig, a, b } = await talking();
    rig.server.media.crash();
    const thief = rig.network.hosts.find(({ name }) => name === 'server')?.createUdpSet();
    await thief?.bind({ address: a.heard?.address ?? '', port: a.heard?.port ?? 0 });
    rig.server.media.start();
    await rig.clock.run(1000);
    assert.deepEqual([a.phase, b.phase], ['ended', 'ended']);
    await rig.over();
    assert.equal((await rig.record()).reason, 'media-ports-lost');
  });

  test('signalling alone dies: not a packet is lost, then or when the next one takes over', async () => {
    const { rig, a, voices } = await talking();
    for (const voice of voices) voice.speak(100);
    rig.server.crash();
    await rig.clock.run(1000);
    await rig.server.restart();
    await rig.clock.run(1500);
    const [first, second] = voices;
    assert.deepEqual([first.heard.get(2), second.heard.get(1)], [100, 100]);
    a.hangUp();
    await rig.over();
  });

  test('signalling stays away: media gives the call up after its time, and signalling later knows', async () => {
    const { rig, a, b } = await talking();
    rig.server.crash();
    await rig.clock.run(400_000);
    assert.equal(rig.server.media.held().bridges, 0);
    await rig.server.restart();
    await rig.clock.run(1000);
    a.hangUp();
    await rig.over();
    assert.equal(b.phase, 'ended');
  });
});
