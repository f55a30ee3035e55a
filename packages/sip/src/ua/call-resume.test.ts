/** A call that outlives its process: what the next one does with its snapshot. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, octets } from '@strowger/proto';
import type { SipRequest } from '../message/index.ts';
import { withTopVia } from '../message/index.ts';
import { ANSWER, read, sampleCall } from './call/rig.ts';
import {
  type Call,
  type Confirmed,
  nextDeadline,
  type Output,
  resumeCall,
  snapshotCall,
  startIncoming,
  startOutgoing,
  step,
} from './call.ts';

/** Answered, and not acknowledged yet. */
function callee(): Call {
  const [, [invite]] = startOutgoing(sampleCall(), asMono(0));
  assert.ok(invite?.kind === 'send');
  const request = read(withTopVia(invite.text, octets`SIP/2.0/UDP x.test;branch=z9hG4bKx`)) as SipRequest;
  const [ringing] = startIncoming({ request, key: 7, localTag: octets`b`, contact: octets`<sip:b@b.test>` });
  return step(ringing, { kind: 'answer', body: ANSWER, now: asMono(0) })[0];
}

const stored = (call: Call): Confirmed => JSON.parse(JSON.stringify(snapshotCall(call))) as Confirmed;
const brief = (outputs: readonly Output[]) => outputs.map((o) => (o.kind === 'send' ? o.method : o.kind));

suite('a call in the next process', () => {
  test('RFC 3261 §13.3.1.4 a 2xx that lacks its ACK goes out again, at once and with the same words, until it has it', () => {
    const snapshot = stored(callee());
    const resumed = resumeCall(snapshot, 1000, asMono(50));
    assert.equal(nextDeadline(resumed), 50);
    const [after, [again]] = step(resumed, { kind: 'tick', now: asMono(50) });
    assert.ok(again?.kind === 'respond' && again.repeats && snapshot.exchange?.kind === 'accepted');
    assert.equal(again.text, snapshot.exchange.text);
    assert.equal(nextDeadline(after), 550);
    const [lost, outputs] = step(after, { kind: 'tick', now: asMono(50 + 32_000) });
    assert.deepEqual([lost.state, brief(outputs)], ['terminating', ['BYE', 'ended']]);
  });

  test('RFC 3261 §13.3.1.4 one older than 64·T1 was acknowledged, or the call would be over: nothing is sent', () => {
    const resumed = resumeCall(stored(callee()), 32_000, asMono(50));
    assert.equal(resumed.exchange, undefined);
    assert.equal(nextDeadline(resumed), undefined);
  });

  test('RFC 3261 §15 a call that was being hung up is hung up again: its BYE may never have left', () => {
    const [terminating] = step(callee(), { kind: 'hang-up', now: asMono(10) });
    assert.equal(terminating.state, 'terminating');
    const resumed = resumeCall(stored(terminating), 60_000, asMono(0));
    const [, outputs] = step(resumed, { kind: 'hang-up', now: asMono(0) });
    assert.deepEqual(brief(outputs), ['BYE', 'ended']);
  });
});
