import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Phone } from '@strowger/testkit';
import { Rig } from './support/rig.ts';

/** Alice, and Bob's two phones: one on the desk, one in the pocket. */
async function home(desk: string, pocket: string) {
  const rig = await Rig.start();
  const alice = await rig.phone('alice', '1001');
  const bobs = {
    desk: await rig.phone('desk', '1002', { contactParams: desk }),
    pocket: await rig.phone('pocket', '1002', { contactParams: pocket }),
  };
  rig.mark();
  return { rig, alice, ...bobs };
}

const phases = (...phones: readonly Phone[]) => phones.map(({ lastCall }) => lastCall?.phase);

suite('an extension with two phones', () => {
  test('RFC 3261 §16.7 both ring, one answers, the other is cancelled and told that it was answered elsewhere', async () => {
    const { rig, alice, desk, pocket } = await home('', '');
    desk.behaviour = { kind: 'ring' };
    pocket.behaviour = { kind: 'answer', afterMs: 2000 };
    const call = alice.call('1002');
    await rig.clock.run(5000);
    assert.deepEqual(rig.said(), [
      'alice → server INVITE',
      'server → desk INVITE',
      'server → pocket INVITE',
      'desk → server 180 INVITE',
      'pocket → server 180 INVITE',
      'server → alice 180 INVITE',
      'pocket → server 200 INVITE',
      'server → pocket ACK',
      'server → desk CANCEL',
      'server → alice 200 INVITE',
      'desk → server 200 CANCEL',
      'desk → server 487 INVITE',
      'alice → server ACK',
      'server → desk ACK',
    ]);
    const cancel = rig.network.packets.find(({ text }) => text.startsWith('CANCEL'));
    assert.match(cancel?.text ?? '', /\r\nReason: SIP;cause=200;text="Call completed elsewhere"\r\n/);
    assert.deepEqual(phases(alice, desk, pocket), ['talking', 'ended', 'talking']);
    call.hangUp();
    await rig.over();
    assert.equal((await rig.record()).outcome, 'answered');
  });

  test('RFC 3261 §13.2.2.4 both answer at once: the caller has one of them, the other is hung up, whoever is first', async () => {
    for (const first of ['desk', 'pocket']) {
      const { rig, alice, desk, pocket } = await home('', '');
      desk.behaviour = { kind: 'answer', afterMs: first === 'desk' ? 1000 : 1001 };
      pocket.behaviour = { kind: 'answer', afterMs: first === 'desk' ? 1001 : 1000 };
      const call = alice.call('1002');
      await rig.clock.run(5000);
      const [winner, loser] = first === 'desk' ? [desk, pocket] : [pocket, desk];
      assert.deepEqual(phases(alice, winner, loser), ['talking', 'talking', 'ended'], rig.story('both answered'));
      const answers = rig.said().filter((line) => line === 'server → alice 200 INVITE');
      assert.equal(answers.length, 1, 'the caller is answered once');
      call.hangUp();
      await rig.over();
      assert.equal((await rig.record()).outcome, 'answered');
    }
  });

  test('RFC 3261 §16.7 one is busy, the other rings on and answers', async () => {
    const { rig, alice, desk, pocket } = await home('', '');
    desk.behaviour = { kind: 'busy' };
    pocket.behaviour = { kind: 'answer', afterMs: 3000 };
    alice.call('1002');
    await rig.clock.run(5000);
    assert.deepEqual(phases(alice, pocket), ['talking', 'talking']);
    pocket.lastCall?.hangUp();
    await rig.over();
    assert.equal((await rig.record()).endedBy, 'callee');
  });

  test('RFC 3261 §16.7 one is off, the other busy: the caller hears busy, not silence', async () => {
    const { rig, alice, desk, pocket } = await home('', '');
    desk.behaviour = { kind: 'silent' };
    pocket.behaviour = { kind: 'busy' };
    const call = alice.call('1002');
    await rig.over();
    assert.equal(call.status, 486);
    assert.equal((await rig.record()).outcome, 'busy');
  });

  test('RFC 3261 §16.7 step 5 declined at one (603): the other stops ringing', async () => {
    const { rig, alice, desk, pocket } = await home('', '');
    desk.behaviour = { kind: 'ring' };
    pocket.behaviour = { kind: 'reject', status: 603, afterMs: 1000 };
    const call = alice.call('1002');
    await rig.clock.run(3000);
    assert.equal(call.status, 603);
    assert.deepEqual(phases(desk, pocket), ['ended', 'ended']);
    await rig.over();
    assert.equal((await rig.record()).outcome, 'declined');
  });

  test('RFC 3261 §9 the caller cancels: both stop ringing', async () => {
    const { rig, alice, desk, pocket } = await home('', '');
    for (const phone of [desk, pocket]) phone.behaviour = { kind: 'ring' };
    const call = alice.call('1002');
    await rig.clock.run(1000);
    call.hangUp();
    await rig.clock.run(1000);
    assert.deepEqual([desk.lastCall?.cause, pocket.lastCall?.cause], ['cancelled', 'cancelled']);
    await rig.over();
    assert.equal((await rig.record()).outcome, 'cancelled');
  });

  test('RFC 3261 §16.6 on q: the desk first, and the pocket only when nobody takes it there', async () => {
    const { rig, alice, desk, pocket } = await home(';q=0.9', ';q=0.1');
    desk.behaviour = { kind: 'reject', status: 486, afterMs: 1000 };
    pocket.behaviour = { kind: 'answer', afterMs: 1000 };
    const call = alice.call('1002');
    await rig.clock.run(5000);
    assert.deepEqual(rig.said(), [
      'alice → server INVITE',
      'server → desk INVITE',
      'desk → server 180 INVITE',
      'server → alice 180 INVITE',
      'desk → server 486 INVITE',
      'server → desk ACK',
      'server → pocket INVITE',
      'pocket → server 180 INVITE',
      'pocket → server 200 INVITE',
      'server → pocket ACK',
      'server → alice 200 INVITE',
      'alice → server ACK',
    ]);
    call.hangUp();
    await rig.over();
    assert.equal((await rig.record()).outcome, 'answered');
  });

  test('RFC 3261 §16.6 on q: a desk that rings in vain is cancelled before the pocket rings', async () => {
    const { rig, alice, desk, pocket } = await home(';q=0.9', ';q=0.1');
    desk.behaviour = { kind: 'ring' };
    pocket.behaviour = { kind: 'answer' };
    const call = alice.call('1002');
    await rig.clock.until(() => call.phase === 'talking', 65_000);
    assert.deepEqual(phases(alice, desk, pocket), ['talking', 'ended', 'talking']);
    call.hangUp();
    await rig.over();
    assert.equal((await rig.record()).outcome, 'answered');
  });

  test('RFC 3261 §13.2.2.4 the CANCEL crosses the loser’s 200: it is acknowledged, and hung up', async () => {
    const { rig, alice, desk, pocket } = await home('', '');
    rig.network.setLink('server', 'pocket', { delayMs: 300 });
    desk.behaviour = { kind: 'answer', afterMs: 1000 };
    // Its 200 leaves while our CANCEL is on its way.
    pocket.behaviour = { kind: 'answer', afterMs: 900 };
    alice.call('1002');
    await rig.clock.run(10_000);
    assert.deepEqual(phases(alice, desk, pocket), ['talking', 'talking', 'ended'], rig.story('crossed'));
    alice.lastCall?.hangUp();
    await rig.over();
  });
});
