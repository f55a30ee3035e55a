import assert from 'node:assert/strict';
import { env } from 'node:process';
import { suite, test } from 'node:test';
import { type CrashResult, crashDrill } from './support/crash-drill.ts';
import { Rig } from './support/rig.ts';

const one = env.SEED === undefined ? undefined : Number(env.SEED);

suite('kill -9 of signalling', () => {
  for (const { what, seeds, tcp } of [
    { what: 'UDP', seeds: 200, tcp: false },
    { what: 'UDP and TCP', seeds: 100, tcp: true },
  ]) {
    test(`ARCHITECTURE, Processes over ${what}, at any moment of ${seeds} seeds: no binding that was promised is lost, every call ends, nothing is left`, async (t) => {
      const failed: CrashResult[] = [];
      const killedWhile = new Set<string>();
      const [first, last] = one === undefined ? [1, seeds] : [one, one];
      for (let seed = first; seed <= last; seed += 1) {
        const result = await crashDrill(seed, { tcp });
        for (const what of result.killedWhile) killedWhile.add(what);
        if (result.problems.length > 0) failed.push(result);
      }
      t.diagnostic(`killed while the phones were ${[...killedWhile].join(', ')}`);
      const rest = failed.slice(2).map(({ seed, problems }) => `seed ${seed}: ${problems.join('; ')}`);
      const stories = failed.slice(0, 2).map((result) => result.story());
      assert.equal(failed.length, 0, [...stories, ...rest].join('\n\n'));
    });
  }

  test('ARCHITECTURE law 1: a seed with crashes in it replays bit for bit as well', async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      assert.equal((await crashDrill(seed)).hash, (await crashDrill(seed)).hash, `seed ${seed} took another course`);
    }
  });

  for (const leaver of ['alice', 'bob'] as const) {
    test(`RFC 3261 §15 a call that was up is hung up by ${leaver} afterwards, and recorded from its beginning`, async () => {
      const { rig, alice, bob } = await pair();
      const call = alice.call('1002');
      await rig.clock.run(3000);
      rig.server.crash();
      await rig.clock.run(2000);
      await rig.server.restart();
      rig.mark();
      const answered = rig.clock.wall();
      await rig.clock.run(1000);
      (leaver === 'alice' ? call : bob.lastCall)?.hangUp();
      await rig.over();
      const [record] = await rig.server.cdrs();
      assert.ok(record && (record.answeredAt ?? answered) < answered, 'answered before the crash');
      assert.equal(record.reason, leaver === 'alice' ? 'caller-hung-up' : 'callee-hung-up');
    });
  }

  test('RFC 3261 §13.3.1.4 the 200 for the caller dies with the process: the next one sends it, and the call is up', async () => {
    const { rig, alice, bob } = await pair();
    killAt(rig, (text) => text.startsWith('SIP/2.0 200') && text.includes('1 INVITE'), 'alice');
    const call = alice.call('1002');
    await rig.clock.run(100);
    assert.equal(rig.server.isUp, false);
    await rig.server.restart();
    rig.mark();
    await rig.clock.run(1000);
    assert.deepEqual([call.phase, bob.lastCall?.phase], ['talking', 'talking'], rig.story('not up'));
    assert.deepEqual(rig.said(), ['server → alice 200 INVITE', 'alice → server ACK']);
    call.hangUp();
    await rig.over();
    assert.deepEqual(await rig.record(), {
      outcome: 'answered',
      endedBy: 'caller',
      reason: 'caller-hung-up',
      status: 200,
    });
  });

  test('RFC 3261 §15 the BYE for the other phone dies with the process: the next one sends it', async () => {
    const { rig, alice, bob } = await pair();
    const call = alice.call('1002');
    await rig.clock.run(3000);
    killAt(rig, (text) => text.startsWith('BYE'), 'bob');
    call.hangUp();
    await rig.clock.run(100);
    assert.equal(rig.server.isUp, false);
    await rig.server.restart();
    await rig.over();
    assert.equal(bob.lastCall?.phase, 'ended', rig.story('bob sits in a call with nobody'));
    assert.equal((await rig.record()).reason, 'caller-hung-up');
  });

  for (const { hears, status, media } of [
    { hears: 'ringing', status: 180, media: false },
    { hears: 'an announcement', status: 183, media: true },
  ]) {
    test(`a caller that hears ${hears} is told that nothing comes of it`, async () => {
      const { rig, alice, bob } = await pair();
      bob.behaviour = { kind: 'wait' };
      const call = alice.call('1002');
      await rig.clock.run(100);
      bob.lastCall?.progress(status, { media });
      await rig.clock.run(3000);
      rig.server.crash();
      await rig.clock.run(1000);
      await rig.server.restart();
      await rig.clock.run(100);
      assert.deepEqual([call.phase, call.status], ['ended', 500]);
      bob.lastCall?.answer();
      await rig.over();
      assert.equal(bob.lastCall?.phase, 'ended', 'who picks up then is hung up');
      const reason = 'signalling-restarted-before-answer';
      assert.deepEqual(await rig.record(), { outcome: 'failed', endedBy: 'system', reason });
    });
  }

  test('a call on hold is resumed after the crash, by whoever held it', async () => {
    const { rig, alice, bob } = await pair();
    const call = alice.call('1002');
    await rig.clock.run(3000);
    call.hold();
    await rig.clock.run(1000);
    rig.server.crash();
    await rig.clock.run(1000);
    await rig.server.restart();
    await rig.clock.run(1000);
    call.resume();
    await rig.clock.run(1000);
    assert.deepEqual([bob.lastCall?.heard?.direction, call.heard?.direction], ['sendrecv', 'sendrecv']);
    bob.lastCall?.hold();
    await rig.clock.run(1000);
    assert.ok(call.heldByPeer);
    call.hangUp();
    await rig.over();
  });

  test('the longest call there may be is counted from its answer, across the crash', async () => {
    const { rig, alice, bob } = await pair('calls: { maxSeconds: 60 }');
    const call = alice.call('1002');
    await rig.clock.run(40_000);
    rig.server.crash();
    await rig.clock.run(5000);
    await rig.server.restart();
    await rig.clock.run(14_000);
    assert.equal(call.phase, 'talking');
    await rig.clock.run(2000);
    assert.deepEqual([call.phase, bob.lastCall?.phase], ['ended', 'ended']);
    await rig.over();
    assert.equal((await rig.record()).reason, 'call-too-long');
  });

  test('ARCHITECTURE, Processes while the journal cannot be written nothing is promised; what was promised before and after is kept', async () => {
    const rig = await Rig.start();
    await rig.phone('alice', '1001');
    rig.server.disk.failWith = new Error('no space left');
    const bob = await rig.phone('bob', '1002', { registers: false });
    bob.registration.retryMs = 5000;
    bob.register();
    await rig.clock.run(60_000);
    assert.ok(!bob.registered, 'a 200 that a crash would break');
    rig.server.disk.failWith = undefined;
    assert.ok(await rig.clock.until(() => bob.registered, 60_000), rig.story('it was asked again and again'));
    rig.server.crash();
    await rig.server.restart();
    assert.deepEqual([rig.server.bindings('1001').length, rig.server.bindings('1002').length], [1, 1]);
  });

  test('crashing twice, the second time before anything was heard from the phones', async () => {
    const { rig, alice } = await pair();
    const call = alice.call('1002');
    await rig.clock.run(60_000);
    for (let i = 0; i < 3; i += 1) {
      rig.server.crash();
      await rig.server.restart();
    }
    rig.mark();
    await rig.clock.run(1000);
    assert.deepEqual(rig.said(), [], 'a call that is at rest is left at rest');
    call.hangUp();
    await rig.over();
  });
});

async function pair(config = '') {
  const rig = await Rig.start({ config });
  const alice = await rig.phone('alice', '1001');
  const bob = await rig.phone('bob', '1002');
  return { rig, alice, bob };
}

/** Kills signalling as it sends such a message; the message does not leave any more. */
function killAt(rig: Rig, matches: (text: string) => boolean, to: string): void {
  rig.network.drop(({ fromHost, toHost, text }) => {
    if (fromHost !== 'server' || toHost !== to || !matches(text)) return false;
    rig.server.crash();
    return true;
  });
}
