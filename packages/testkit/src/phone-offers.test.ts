import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertNothingLeft, createPhone, VirtualClock, VirtualNetwork } from './index.ts';

/** Two phones that call each other without a server between. */
async function pair() {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed: 1 });
  const phone = (user: string, address: string, other: string) =>
    createPhone({
      host: network.host(user, address),
      user,
      domain: 'example.test',
      server: { address: other, port: 5060 },
    });
  const alice = await phone('alice', '192.0.2.1', '192.0.2.2');
  const bob = await phone('bob', '192.0.2.2', '192.0.2.1');
  const over = async () => {
    await clock.run(70_000);
    assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers() });
  };
  return { clock, network, alice, bob, over };
}

suite('scripted phone, offers', () => {
  test('RFC 3261 §13.2.1 a phone that makes no offers answers that of the 200 in its ACK, at first and in a re-INVITE', async () => {
    const { clock, network, alice, bob, over } = await pair();
    alice.offers = false;
    const call = alice.call('bob');
    await clock.run(1000);
    assert.equal(call.phase, 'talking');
    assert.equal(bob.lastCall?.heard?.port, alice.mediaPort(call));
    call.hold();
    await clock.run(1000);
    assert.equal(bob.lastCall?.heard?.direction, 'sendonly');
    const withSdp = network.packets.filter(({ text }) => text.includes('m=audio')).map(({ text }) => text.slice(0, 7));
    assert.deepEqual(withSdp, ['SIP/2.0', 'ACK sip', 'SIP/2.0', 'ACK sip']);
    call.hangUp();
    await over();
  });

  test('RFC 3261 §14.2 one that refuses offers says so, and the call goes on', async () => {
    const { clock, alice, bob, over } = await pair();
    bob.refusesOffers = 488;
    const call = alice.call('bob');
    await clock.run(1000);
    call.hold();
    await clock.run(1000);
    assert.deepEqual([call.phase, call.offerRefused, bob.lastCall?.heldByPeer], ['talking', 488, false]);
    bob.refusesOffers = undefined;
    call.hold();
    await clock.run(1000);
    assert.deepEqual([call.offerRefused, bob.lastCall?.heldByPeer], [undefined, true]);
    call.hangUp();
    await over();
  });

  test('RFC 3960 one that waits does what it is told: rings with a description, answers', async () => {
    const { clock, alice, bob, over } = await pair();
    bob.behaviour = { kind: 'wait' };
    const call = alice.call('bob');
    await clock.run(100);
    assert.equal(call.phase, 'calling');
    bob.lastCall?.progress(183, { media: true });
    await clock.run(100);
    assert.deepEqual([call.status, call.heard?.direction], [183, 'sendrecv']);
    bob.lastCall?.answer();
    await clock.run(100);
    assert.equal(call.phase, 'talking');
    call.hangUp();
    await over();
  });
});
