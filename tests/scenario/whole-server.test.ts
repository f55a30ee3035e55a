import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  assertNothingLeft,
  type LinkConditions,
  type Phone,
  story,
  VirtualClock,
  VirtualNetwork,
} from '@strowger/testkit';
import { ScenarioServer } from './support/server.ts';

/** A server and two registered phones, by TCP if wanted. */
async function rig(seed: number, o: { conditions?: Partial<LinkConditions>; transport?: 'udp' | 'tcp' } = {}) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed, conditions: o.conditions ?? {} });
  const server = await ScenarioServer.start(network, { people: ['1001', '1002'] });
  const transport = o.transport ?? 'udp';
  const alice = await server.phone('1001', { transport });
  const bob = await server.phone('1002', { transport, behaviour: { kind: 'answer', afterMs: 1000 } });
  for (const phone of [alice, bob]) {
    phone.registration.retryMs = 5000;
    phone.register(600);
  }
  assert.ok(await clock.until(() => alice.registered && bob.registered), story(network, 'not registered'));
  return { clock, network, server, alice, bob };
}

const talking = (...phones: readonly Phone[]) => phones.map((phone) => phone.lastCall?.phase);

suite('a whole server on the virtual network', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`RFC 3665 §3.8 over ${transport}: registers, calls, holds, resumes, hangs up, and nothing is left`, async () => {
      const { clock, network, server, alice, bob } = await rig(1, { transport });
      const call = alice.call('1002');
      await clock.run(5000);
      assert.deepEqual(talking(alice, bob), ['talking', 'talking'], story(network, alice.transcript.join('\n')));
      assert.equal(bob.lastCall?.peer, '1001');
      call.hold();
      await clock.run(2000);
      assert.ok(bob.lastCall?.heldByPeer, story(network, 'not held'));
      call.resume();
      await clock.run(2000);
      bob.lastCall?.hangUp();
      await clock.run(60_000);
      assert.deepEqual(talking(alice, bob), ['ended', 'ended']);
      assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers(), server: server.leftovers() });
    });
  }

  test('signalling is killed in the middle of a call: registrations and the call are there again', async () => {
    const { clock, network, server, alice, bob } = await rig(2);
    const call = alice.call('1002');
    await clock.run(5000);
    server.crash();
    await clock.run(1000);
    await server.restart();
    await clock.run(1000);
    call.hangUp();
    await clock.run(60_000);
    assert.deepEqual(talking(alice, bob), ['ended', 'ended'], story(network, bob.transcript.join('\n')));
    bob.call('1001');
    await clock.run(5000);
    assert.deepEqual(talking(alice, bob), ['talking', 'talking'], story(network, 'no call after the restart'));
    alice.lastCall?.hangUp();
    await clock.run(60_000);
    assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers(), server: server.leftovers() });
  });

  test('any order of actions over a bad network: every call ends, at both phones and in between', async () => {
    for (let seed = 1; seed <= 10; seed += 1) await wildRun(seed);
  });

  test('the same, and signalling is killed at any moment', async () => {
    for (let seed = 1; seed <= 10; seed += 1) await wildRun(seed, 0.15);
  });
});

async function wildRun(seed: number, kills = 0): Promise<void> {
  const conditions = { loss: 0.1, duplicate: 0.05, reorder: 0.1, jitterMs: 30 };
  const { clock, network, server, alice, bob } = await rig(seed, {
    conditions,
    transport: seed % 4 === 0 ? 'tcp' : 'udp',
  });
  const prng = network.prng.fork('script');
  for (let i = 0; i < 20; i += 1) {
    const phone = prng.pick([alice, bob]);
    const call = phone.calls[prng.below(Math.max(1, phone.calls.length))];
    const action = prng.below(5);
    if (action <= 1 || !call) phone.call(phone === alice ? '1002' : '1001');
    else if (action === 2) call.hold();
    else if (action === 3) call.resume();
    else call.hangUp();
    await clock.run(prng.below(5000));
    if (!prng.chance(kills)) continue;
    server.crash();
    await clock.run(prng.below(3000));
    await server.restart();
  }
  for (const call of [...alice.calls, ...bob.calls]) call.hangUp();
  await clock.run(200_000);
  assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers(), server: server.leftovers() });
}
