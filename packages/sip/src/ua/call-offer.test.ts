import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, octets } from '@strowger/proto';
import { ANSWER, OFFER, Rig, type RigOptions, sampleCall } from './call/rig.ts';
import { startOutgoing } from './call.ts';

function established(options: RigOptions = {}): Rig {
  const rig = new Rig(options);
  rig.begin(startOutgoing(sampleCall({ autoAck: true }), asMono(0)));
  rig.at(100, () => rig.input('b', { kind: 'answer', body: ANSWER }));
  rig.run(1000);
  rig.log.length = 0;
  return rig;
}

const INFO = octets`INFO`;

suite('within a call', () => {
  test('RFC 3261 §14 a re-INVITE from the callee: offer, answer, ACK', () => {
    const rig = established();
    rig.input('b', { kind: 'offer', body: OFFER });
    rig.at(30, () => rig.input('a', { kind: 'answer', body: ANSWER }));
    rig.at(60, () => rig.input('b', { kind: 'acknowledge' }));
    rig.run(60_000);
    assert.deepEqual(rig.log, [
      '1000 b→ INVITE',
      '1010 a offer offer',
      '1030 a→ 200',
      '1040 b offer-answered answer',
      '1060 b→ ACK',
      '1070 a acknowledged',
    ]);
  });

  test('RFC 3264 an offer-less re-INVITE: the offer in the 2xx, the answer in the ACK', () => {
    const rig = established();
    rig.input('a', { kind: 'offer' });
    rig.at(30, () => rig.input('b', { kind: 'answer', body: OFFER }));
    rig.at(60, () => rig.input('a', { kind: 'acknowledge', body: ANSWER }));
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(1), [
      '1010 b offer',
      '1030 b→ 200',
      '1040 a offer-answered offer',
      '1060 a→ ACK',
      '1070 b acknowledged answer',
    ]);
  });

  test('§14.1 a refused re-INVITE leaves the call as it was', () => {
    const rig = established();
    rig.input('a', { kind: 'offer', body: OFFER });
    rig.at(30, () => rig.input('b', { kind: 'reject', status: 488 }));
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(1), ['1010 b offer offer', '1030 b→ 488', '1040 a offer-failed 488']);
    assert.deepEqual([rig.calls.a.state, rig.calls.b.state], ['confirmed', 'confirmed']);
  });

  test('§14.1, §14.2 glare: both 491; the callee tries again within 2 s, the caller after 2.1 s at the earliest', () => {
    const rig = established({
      onEvent: (side, event, r) => {
        if (event.kind === 'offer') r.at(5, () => r.input(side, { kind: 'answer', body: ANSWER }));
      },
    });
    rig.input('a', { kind: 'offer', body: OFFER, autoAck: true });
    rig.input('b', { kind: 'offer', body: OFFER, autoAck: true });
    rig.run(60_000);
    const tries = rig.log.filter((line) => line.endsWith('INVITE'));
    assert.equal(tries.length, 4);
    const [, , callee, caller] = tries.map((line) => ({ at: Number.parseInt(line, 10), side: line.split(' ')[1] }));
    assert.ok(callee && caller);
    assert.ok(callee.side === 'b→' && callee.at >= 1010 && callee.at <= 3010 + 10, `callee at ${callee.at}`);
    assert.ok(caller.side === 'a→' && caller.at >= 3110 && caller.at <= 5010 + 10, `caller at ${caller.at}`);
    assert.equal(rig.log.filter((line) => line.includes('offer-answered')).length, 2);
    assert.equal(rig.log.filter((line) => line.includes('offer-failed')).length, 0);
  });

  test('§14.2 glare with `retryOnGlare: false`: reported, for a coupled call to pass on', () => {
    const rig = established();
    rig.input('a', { kind: 'offer', body: OFFER, retryOnGlare: false });
    rig.input('b', { kind: 'offer', body: OFFER, retryOnGlare: false });
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(2), [
      '1010 b→ 491',
      '1010 a→ 491',
      '1020 a offer-failed 491',
      '1020 b offer-failed 491',
    ]);
  });

  test('§14.2 a second re-INVITE before the first is answered: 500 with Retry-After', () => {
    const rig = established();
    rig.input('a', { kind: 'offer', body: OFFER });
    rig.run(1020);
    // The caller's own machine never does this, so a second caller with the same dialog plays it.
    const twin = structuredClone(rig.calls.a);
    assert.ok(twin.state === 'confirmed');
    const { exchange: _, ...idle } = twin;
    rig.calls.a = idle;
    rig.input('a', { kind: 'offer', body: OFFER });
    rig.run(1050);
    assert.deepEqual(rig.log.slice(2), ['1020 a→ INVITE', '1030 b→ 500', '1040 a offer-failed 500']);
    const failed = rig.events.a.at(-1);
    assert.ok(failed?.kind === 'offer-failed' && failed.response);
    assert.match(failed.response.raw('Retry-After') ?? '', /^(?:\d|10)$/);
  });

  for (const status of [481, 408]) {
    test(`§12.2.1.2 a re-INVITE answered ${status} ends the call with BYE`, () => {
      const rig = established();
      rig.input('a', { kind: 'offer', body: OFFER });
      rig.at(30, () => rig.input('b', { kind: 'reject', status }));
      rig.run(60_000);
      assert.deepEqual(rig.log.slice(3), [
        `1040 a offer-failed ${status}`,
        '1040 a→ BYE',
        `1040 a ended lost by network ${status}`,
        '1050 b→ 200',
        '1050 b ended hung-up by remote',
      ]);
    });
  }

  test('§9 a re-INVITE taken back: 487, and the call goes on', () => {
    const rig = established();
    rig.input('a', { kind: 'offer', body: OFFER });
    rig.at(50, () => rig.input('a', { kind: 'withdraw' }));
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(2), [
      '1050 a→ CANCEL',
      '1060 b→ 487',
      '1060 b offer-withdrawn',
      '1070 a offer-failed 487',
    ]);
  });

  test('§15.1.2 BYE while a re-INVITE waits for its answer: 487 to it, and a CANCEL for peers that forget', () => {
    const rig = established();
    rig.input('a', { kind: 'offer', body: OFFER });
    rig.at(50, () => rig.input('a', { kind: 'hang-up' }));
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(2), [
      '1050 a→ BYE',
      '1050 a→ CANCEL',
      '1050 a ended hung-up by local',
      '1060 b→ 200',
      '1060 b→ 487',
      '1060 b ended hung-up by remote',
    ]);
    assert.deepEqual(rig.calls, { a: { state: 'ended' }, b: { state: 'ended' } });
  });

  test('RFC 5407 §3.1.4 a re-INVITE that overtakes the ACK stands for it', () => {
    let acks = 0;
    const rig = new Rig({ lose: (what) => what === 'ACK' && ++acks === 1 });
    rig.begin(startOutgoing(sampleCall({ autoAck: true }), asMono(0)));
    rig.at(100, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.at(200, () => rig.input('a', { kind: 'offer', body: OFFER, autoAck: true }));
    rig.at(300, () => rig.input('b', { kind: 'answer', body: ANSWER }));
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(5), [
      '200 a→ INVITE',
      '210 b acknowledged',
      '210 b offer offer',
      '300 b→ 200',
      '310 a→ ACK',
      '310 a offer-answered answer',
      '320 b acknowledged',
    ]);
  });

  test('§12.2 INFO goes to the TU, and its answer comes back to who asked', () => {
    const rig = established({
      onEvent: (side, event, r) => {
        if (event.kind === 'request') r.input(side, { kind: 'respond', key: event.key, status: 200 });
      },
    });
    rig.input('b', { kind: 'send', method: INFO, context: 'digit-5', body: OFFER });
    rig.run(60_000);
    assert.deepEqual(rig.log, ['1000 b→ INFO', '1010 a request INFO', '1010 a→ 200', '1020 b reply INFO 200']);
    const reply = rig.events.b.at(-1);
    assert.ok(reply?.kind === 'reply' && reply.context === 'digit-5');
    assert.ok(rig.calls.a.state === 'confirmed' && rig.calls.a.unanswered.length === 0);
    assert.ok(rig.calls.b.state === 'confirmed' && rig.calls.b.sent.length === 0);
  });

  test('§12.2.1.2 an INFO answered 481 ends the call', () => {
    const rig = established({
      onEvent: (side, event, r) => {
        if (event.kind === 'request') r.input(side, { kind: 'respond', key: event.key, status: 481 });
      },
    });
    rig.input('a', { kind: 'send', method: INFO });
    rig.run(60_000);
    assert.deepEqual(rig.log.slice(3, 6), ['1020 a reply INFO 481', '1020 a→ BYE', '1020 a ended lost by network 481']);
  });

  test('RFC 3311 §5.2 UPDATE moves the target when it is accepted, and is refused while an offer of ours is open', () => {
    const rig = established({
      onEvent: (side, event, r) => {
        if (event.kind === 'request') r.input(side, { kind: 'respond', key: event.key, status: 200, body: ANSWER });
      },
    });
    rig.input('a', { kind: 'send', method: octets`UPDATE`, body: OFFER });
    rig.run(2000);
    assert.deepEqual(rig.log, ['1000 a→ UPDATE', '1010 b request UPDATE', '1010 b→ 200', '1020 a reply UPDATE 200']);
    rig.input('b', { kind: 'offer', body: OFFER });
    rig.input('a', { kind: 'send', method: octets`UPDATE`, body: OFFER });
    rig.run(2020);
    assert.ok(rig.log.includes('2010 b→ 491'));
  });
});
