import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import { ANSWER, OFFER, Rig, type RigOptions, sampleCall } from './call/rig.ts';
import { startOutgoing } from './call.ts';

const now = asMono(0);

/** A call that b answers after `ring` ms. */
function established(options: RigOptions = {}, ring = 100): Rig {
  const rig = new Rig(options);
  rig.begin(startOutgoing(sampleCall({ autoAck: true }), now));
  rig.at(ring, () => rig.input('b', { kind: 'answer', body: ANSWER }));
  rig.run(1000);
  return rig;
}

/** What was said from `from` on, without what came before. */
const since = (rig: Rig, from: number): string[] => rig.log.slice(from);

suite('a call', () => {
  test('RFC 3261 §13 INVITE, 180, 200, ACK, BYE from the caller', () => {
    const rig = new Rig();
    rig.begin(startOutgoing(sampleCall({ autoAck: true }), now));
    rig.at(20, () => rig.input('b', { kind: 'progress', status: 180 }));
    rig.at(100, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.at(500, () => rig.input('a', { kind: 'hang-up' }));
    rig.run(60_000);
    assert.deepEqual(rig.log, [
      '0 a→ INVITE',
      '10 b incoming',
      '20 b→ 180',
      '30 a progress 180',
      '100 b→ 200',
      '110 a→ ACK',
      '110 a answered answer',
      '120 b acknowledged',
      '500 a→ BYE',
      '500 a ended hung-up by local',
      '510 b→ 200',
      '510 b ended hung-up by remote',
    ]);
    assert.deepEqual(rig.calls, { a: { state: 'ended' }, b: { state: 'ended' } });
  });

  test('§13.2.2.4 the TU acknowledges when it wants to, with the answer when the 2xx brought the offer', () => {
    const rig = new Rig();
    const { body: _, ...offerless } = sampleCall();
    rig.begin(startOutgoing(offerless, now));
    rig.at(20, () => rig.input('b', { kind: 'answer', body: OFFER }));
    rig.at(300, () => rig.input('a', { kind: 'acknowledge', body: ANSWER }));
    rig.run(1000);
    assert.deepEqual(since(rig, 2), ['20 b→ 200', '30 a answered offer', '300 a→ ACK', '310 b acknowledged answer']);
  });

  test('§13.3.1.4 the 2xx goes out again from T1 to T2 until its ACK, and each gets the same ACK', () => {
    let lost = 0;
    const rig = new Rig({ lose: (what) => what === 'ACK' && ++lost <= 3 });
    rig.begin(startOutgoing(sampleCall({ autoAck: true }), now));
    rig.at(20, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.run(60_000);
    assert.deepEqual(since(rig, 2), [
      '20 b→ 200',
      '30 a→ ACK (lost)',
      '30 a answered answer',
      '520 b→ 200',
      '530 a→ ACK (lost)',
      '1520 b→ 200',
      '1530 a→ ACK (lost)',
      '3520 b→ 200',
      '3530 a→ ACK',
      '3540 b acknowledged',
    ]);
    assert.equal(rig.calls.a.state, 'confirmed');
  });

  test('§13.3.1.4 no ACK in 64·T1: BYE, and the call has ended', () => {
    const rig = new Rig({ lose: (what) => what === 'ACK' });
    rig.begin(startOutgoing(sampleCall({ autoAck: true }), now));
    rig.at(20, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(-4), [
      '32020 b→ BYE',
      '32020 b ended no-ack by network',
      '32030 a→ 200',
      '32030 a ended hung-up by remote',
    ]);
    assert.equal(rig.log.filter((line) => line.endsWith('b→ 200')).length, 11);
  });

  test('§9 CANCEL while it rings: 487, and both know', () => {
    const rig = new Rig();
    rig.begin(startOutgoing(sampleCall(), now));
    rig.at(20, () => rig.input('b', { kind: 'progress', status: 180 }));
    rig.at(200, () => rig.input('a', { kind: 'hang-up' }));
    rig.run(60_000);
    assert.deepEqual(since(rig, 4), [
      '200 a→ CANCEL',
      '200 a ended cancelled by local',
      '210 b→ 487',
      '210 b ended cancelled by remote',
    ]);
    assert.deepEqual(rig.calls, { a: { state: 'ended' }, b: { state: 'ended' } });
  });

  test('§9.1 CANCEL and 200 cross: ACK, BYE', () => {
    const rig = new Rig();
    rig.begin(startOutgoing(sampleCall(), now));
    rig.at(20, () => rig.input('b', { kind: 'progress', status: 180 }));
    rig.at(195, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.at(200, () => rig.input('a', { kind: 'hang-up' }));
    rig.run(60_000);
    assert.deepEqual(since(rig, 4), [
      '195 b→ 200',
      '200 a→ CANCEL',
      '200 a ended cancelled by local',
      '205 a→ ACK',
      '205 a→ BYE',
      '215 b acknowledged',
      '215 b→ 200',
      '215 b ended hung-up by remote',
    ]);
  });

  test('§13.3.1.3 a refusal carries its reason to the caller, and the number for another try', () => {
    const rig = new Rig();
    rig.begin(startOutgoing(sampleCall(), now));
    rig.at(20, () => rig.input('b', { kind: 'reject', status: 486 }));
    rig.run(60_000);
    assert.deepEqual(since(rig, 2), [
      '20 b→ 486',
      '20 b ended rejected by local 486',
      '30 a ended rejected by remote 486',
    ]);
    const [event] = rig.events.a;
    assert.equal(event?.kind === 'ended' && event.seq, 1);
  });

  test('nobody answers: given up after `noAnswer`', () => {
    const rig = new Rig();
    rig.begin(startOutgoing(sampleCall({ noAnswer: 30_000 }), now));
    rig.run(60_000);
    assert.deepEqual(since(rig, 2), [
      '30000 a→ CANCEL',
      '30000 a ended no-answer by local 408',
      '30010 b→ 487',
      '30010 b ended cancelled by remote',
    ]);
  });

  test('§13.3.1.1 a phone that rings says so once a minute', () => {
    const rig = new Rig();
    rig.begin(startOutgoing(sampleCall(), now));
    rig.at(20, () => rig.input('b', { kind: 'progress', status: 180 }));
    rig.run(150_000);
    assert.deepEqual(
      rig.log.filter((line) => line.includes('→ 180')),
      ['20 b→ 180', '60020 b→ 180', '120020 b→ 180'],
    );
  });

  test('§15 the callee hangs up before the ACK: its BYE waits for it', () => {
    let lost = 0;
    const rig = new Rig({ lose: (what) => what === 'ACK' && ++lost <= 1 });
    rig.begin(startOutgoing(sampleCall({ autoAck: true }), now));
    rig.at(20, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.at(100, () => rig.input('b', { kind: 'hang-up' }));
    rig.run(60_000);
    assert.deepEqual(since(rig, 5), [
      '100 b ended hung-up by local',
      '520 b→ 200',
      '530 a→ ACK',
      '540 b→ BYE',
      '550 a→ 200',
      '550 a ended hung-up by remote',
    ]);
    assert.deepEqual(rig.calls, { a: { state: 'ended' }, b: { state: 'ended' } });
  });

  test('RFC 5407 §3.2.3 BYE crosses BYE: both are answered 200', () => {
    const rig = established();
    const from = rig.log.length;
    rig.input('a', { kind: 'hang-up' });
    rig.input('b', { kind: 'hang-up' });
    rig.run(60_000);
    assert.deepEqual(since(rig, from), [
      '1000 a→ BYE',
      '1000 a ended hung-up by local',
      '1000 b→ BYE',
      '1000 b ended hung-up by local',
      '1010 b→ 200',
      '1010 a→ 200',
    ]);
    assert.deepEqual(rig.calls, { a: { state: 'ended' }, b: { state: 'ended' } });
  });

  test('a confirmed call at rest holds no message text', () => {
    const rig = established();
    rig.run(60_000);
    for (const side of ['a', 'b'] as const) {
      const text = JSON.stringify(rig.calls[side]);
      assert.doesNotMatch(text, /SIP\/2\.0|Via|"offer"|"answer"/);
      assert.deepEqual(JSON.parse(text), rig.calls[side], 'plain data');
    }
  });
});
