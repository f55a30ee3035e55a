/** One side alone, with responses and requests made by hand: forks, challenges, what comes late and what is wrong. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, type Octets, octets } from '@strowger/proto';
import {
  composeRequest,
  composeResponse,
  type Field,
  type SipRequest,
  type SipResponse,
  withTopVia,
} from '../message/index.ts';
import { ANSWER, OFFER, read, sampleCall } from './call/rig.ts';
import {
  answerStray,
  type Call,
  type Input,
  nextDeadline,
  type Output,
  snapshotCall,
  startIncoming,
  startOutgoing,
  step,
} from './call.ts';

type Bare<T> = T extends unknown ? Omit<T, 'now'> : never;

const VIA = octets`SIP/2.0/UDP x.test;branch=z9hG4bKx`;
const B_CONTACT: Field = ['Contact', octets`<sip:b@192.0.2.2>`];

function asRequest(text: Octets): SipRequest {
  const message = read(withTopVia(text, VIA));
  assert.ok(message.kind === 'request');
  return message;
}

function asResponse(text: Octets): SipResponse {
  const message = read(text);
  assert.ok(message.kind === 'response');
  return message;
}

/** One call and all it said. */
function alone([first, said]: readonly [Call, readonly Output[]]) {
  let call = first;
  let now = asMono(0);
  let outputs: readonly Output[] = said;
  return {
    get call() {
      return call;
    },
    get outputs() {
      return outputs;
    },
    at(ms: number) {
      now = asMono(ms);
      return this;
    },
    input(input: Bare<Input>): string[] {
      [call, outputs] = step(call, { ...input, now } as Input);
      return outputs.map(brief);
    },
    sent(method: string): SipRequest {
      const found = outputs.find((o) =>
        o.kind === 'send' ? o.method === method : o.kind === 'ack' && method === 'ACK',
      );
      assert.ok(found?.kind === 'send' || found?.kind === 'ack', `no ${method}`);
      return asRequest(found.text);
    },
  };
}

function brief(output: Output): string {
  switch (output.kind) {
    case 'send':
      return `send ${output.method}${output.detached ? ' detached' : ''}`;
    case 'respond':
    case 'progress':
    case 'offer-failed':
      return `${output.kind} ${output.status}`;
    case 'reply':
      return `reply ${output.status}`;
    case 'ended':
      return `ended ${output.cause}`;
    case 'ack':
    case 'cancel':
    case 'answered':
    case 'acknowledged':
    case 'offer':
    case 'offer-withdrawn':
    case 'offer-answered':
    case 'request':
    case 'challenged':
      return output.kind;
  }
}

const start = (o: Parameters<typeof sampleCall>[0] = {}) => alone(startOutgoing(sampleCall(o), asMono(0)));

function reply(request: SipRequest, status: number, tag: string, fields: readonly Field[] = [B_CONTACT]): Bare<Input> {
  const text = composeResponse(request, status, { toTag: octets`${tag as Octets}`, fields });
  return { kind: 'response', response: asResponse(text) };
}

/** A request of the far side in the dialog of a call by `sampleCall` that tag `b` answered. */
function theirs(
  method: string,
  seq: number,
  o: { tag?: string; fields?: readonly Field[]; localTag?: string } = {},
): Bare<Input> {
  const text = composeRequest({
    method: octets`${method as Octets}`,
    uri: octets`sip:a@a.test`,
    fields: [
      ['From', octets`<sip:b@example.test>;tag=${(o.tag ?? 'b') as Octets}`],
      ['To', octets`<sip:a@example.test>;tag=${(o.localTag ?? 'a1') as Octets}`],
      ['Call-ID', octets`call-1@a.test`],
      ['CSeq', octets`${seq} ${method as Octets}`],
      B_CONTACT,
      ...(o.fields ?? []),
    ],
  });
  return { kind: 'request', key: `${method}-${seq}`, request: asRequest(text) };
}

function answered(): ReturnType<typeof alone> {
  const a = start({ autoAck: true });
  a.input(reply(a.sent('INVITE'), 200, 'b'));
  return a;
}

suite('one side of a call', () => {
  test('RFC 3261 §13.2.2.4 two forks ring, both answer: the first is the call, the other gets ACK and BYE, once', () => {
    const a = start({ autoAck: true });
    const invite = a.sent('INVITE');
    assert.deepEqual(a.input(reply(invite, 180, 'b')), ['progress 180']);
    assert.deepEqual(a.input(reply(invite, 183, 'c')), ['progress 183']);
    assert.equal('early' in a.call && a.call.early.length, 2);
    assert.deepEqual(a.input(reply(invite, 200, 'c')), ['ack', 'answered']);
    assert.deepEqual(a.input(reply(invite, 200, 'b')), ['ack', 'send BYE detached']);
    assert.equal(a.sent('BYE').toTag, 'b');
    assert.deepEqual(a.input(reply(invite, 200, 'b')), ['ack'], 'again: the ACK alone');
    assert.equal(a.sent('ACK').toTag, 'b');
    assert.deepEqual(a.input(reply(invite, 200, 'c')), ['ack']);
    const { call } = a;
    assert.ok(call.state === 'confirmed' && call.dialog.remoteTag === 'c');
  });

  test('§13.2.2.4 64·T1 after the last 2xx the ACKs are forgotten', () => {
    const a = answered();
    assert.equal(nextDeadline(a.call), 32_000);
    assert.deepEqual(a.at(32_000).input({ kind: 'tick' }), []);
    assert.ok(a.call.state === 'confirmed' && a.call.acks.length === 0);
    assert.equal(nextDeadline(a.call), undefined);
  });

  test('§13.2.2.4 a 2xx for a call that is over: ACK and BYE from the response alone', () => {
    const a = start();
    const late = reply(a.sent('INVITE'), 200, 'b');
    assert.ok(late.kind === 'response');
    const [ack, bye] = answerStray(late.response);
    assert.ok(ack?.kind === 'ack' && bye?.kind === 'send');
    assert.equal(asRequest(ack.text).uriText, 'sip:b@192.0.2.2');
    assert.deepEqual([bye.method, bye.seq, bye.nextHop], ['BYE', 2, 'sip:b@192.0.2.2']);
  });

  test('§22.2 a challenged INVITE: ended with its number, and begun again with one more and the same tags', () => {
    const a = start();
    const first = a.sent('INVITE');
    assert.deepEqual(a.input(reply(first, 401, 'b')), ['ended rejected']);
    const [event] = a.outputs;
    assert.ok(event?.kind === 'ended' && event.seq === 1 && event.status === 401);
    const again = start({ seq: 2, fields: [['Authorization', octets`Digest x="y"`]] }).sent('INVITE');
    assert.deepEqual([again.callId, again.fromTag, again.cseq.seq], [first.callId, first.fromTag, 2]);
    assert.equal(again.raw('Authorization'), 'Digest x="y"');
  });

  test('§22.2 a challenged BYE goes again with credentials; without them it is over all the same', () => {
    const a = answered();
    assert.deepEqual(a.input({ kind: 'hang-up' }), ['send BYE', 'ended hung-up']);
    const bye = a.sent('BYE');
    assert.deepEqual(a.input(reply(bye, 407, 'b')), ['challenged']);
    assert.deepEqual(a.input({ kind: 'hang-up', fields: [['Proxy-Authorization', octets`Digest x="y"`]] }), [
      'send BYE',
    ]);
    assert.equal(a.sent('BYE').cseq.seq, bye.cseq.seq + 1);
    assert.deepEqual(a.input(reply(bye, 200, 'b')), [], 'the first BYE counts no more');
    a.at(32_000).input({ kind: 'tick' });
    assert.deepEqual(a.call, { state: 'ended' });
  });

  test('§9.1 CANCEL while no response came: given up for good after twice 64·T1, whatever the host forgot', () => {
    const a = start();
    const invite = a.sent('INVITE');
    assert.deepEqual(a.input({ kind: 'hang-up' }), ['cancel', 'ended cancelled']);
    assert.equal(nextDeadline(a.call), 64_000);
    assert.deepEqual(a.at(1000).input(reply(invite, 100, 'b')), []);
    assert.equal(nextDeadline(a.call), 33_000);
    assert.deepEqual(a.at(33_000).input({ kind: 'tick' }), []);
    assert.deepEqual(a.call, { state: 'ended' });
  });

  test('§8.1.3.1 the INVITE found no answer, or no way', () => {
    for (const [reason, status] of [
      ['timeout', 408],
      ['transport', 503],
    ] as const) {
      const a = start();
      assert.deepEqual(a.input({ kind: 'failed', method: octets`INVITE`, seq: 1, reason }), [`ended ${reason}`]);
      const [event] = a.outputs;
      assert.ok(event?.kind === 'ended' && event.status === status && event.by === 'network');
    }
  });

  test('§12.2.2 what is of no dialog of ours is 481, what is out of order 500', () => {
    const a = answered();
    assert.deepEqual(a.input(theirs('INFO', 7)), ['request']);
    assert.deepEqual(a.input(theirs('INFO', 7)), ['respond 500']);
    assert.deepEqual(a.input(theirs('INFO', 6)), ['respond 500']);
    assert.deepEqual(a.input(theirs('BYE', 8, { tag: 'c' })), ['respond 481']);
    assert.deepEqual(a.input(theirs('BYE', 8, { localTag: 'a2' })), ['respond 481']);
    assert.deepEqual(a.input(theirs('BYE', 8)), ['respond 200', 'respond 487', 'ended hung-up']);
  });

  test('requests that the TU leaves unanswered are bounded: 503 with Retry-After', () => {
    const a = answered();
    for (let seq = 1; seq <= 8; seq += 1) assert.deepEqual(a.input(theirs('INFO', seq)), ['request']);
    assert.deepEqual(a.input(theirs('INFO', 9)), ['respond 503']);
    assert.deepEqual(a.input({ kind: 'respond', key: 'INFO-3', status: 200 }), ['respond 200']);
    assert.deepEqual(a.input({ kind: 'respond', key: 'INFO-3', status: 200 }), [], 'once');
    assert.deepEqual(a.input(theirs('INFO', 10)), ['request']);
  });

  test('§15 a callee that says BYE before its answer is taken at its word', () => {
    const a = start();
    const invite = a.sent('INVITE');
    a.input(reply(invite, 180, 'b'));
    assert.deepEqual(a.input(theirs('BYE', 1)), ['respond 200', 'cancel', 'ended hung-up']);
    assert.deepEqual(a.input(reply(invite, 487, 'b')), []);
    assert.deepEqual(a.call, { state: 'ended' });
  });

  test('§12.2 the target follows their re-INVITE once it is accepted, and not before', () => {
    const a = answered();
    const target = () => (a.call.state === 'confirmed' ? a.call.dialog.remoteTarget : undefined);
    const request = theirs('INVITE', 1);
    assert.ok(request.kind === 'request');
    const text = request.request.text.replace('<sip:b@192.0.2.2>', '<sip:b@192.0.2.99>') as Octets;
    const again = read(text);
    assert.ok(again.kind === 'request');
    assert.deepEqual(a.input({ ...request, request: again }), ['offer']);
    assert.equal(target(), 'sip:b@192.0.2.2');
    assert.deepEqual(a.input({ kind: 'answer', body: ANSWER }), ['respond 200']);
    assert.equal(target(), 'sip:b@192.0.2.99');
  });

  test('§12.1.1 an INVITE without a Contact is refused before it is a call', () => {
    const text = octets`INVITE sip:a@a.test SIP/2.0\r\nFrom: <sip:b@b.test>;tag=b\r\nTo: <sip:a@a.test>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n`;
    const b = alone(startIncoming({ request: asRequest(text), key: 1, localTag: octets`x`, contact: octets`<sip:x>` }));
    assert.deepEqual([b.outputs.map(brief), b.call], [['respond 400'], { state: 'ended' }]);
  });

  test('§12.1.1 responses to a caller of RFC 2543, with Record-Route and our Contact where they form the dialog', () => {
    const text = octets`INVITE sip:a@a.test SIP/2.0\r\nRecord-Route: <sip:p.test;lr>\r\nFrom: <sip:b@b.test>\r\nTo: <sip:a@a.test>\r\nContact: <sip:b@192.0.2.2>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n`;
    const b = alone(
      startIncoming({ request: asRequest(text), key: 1, localTag: octets`t1`, contact: octets`<sip:a@192.0.2.1>` }),
    );
    b.input({ kind: 'answer', body: OFFER, fields: [['Supported', octets`replaces`]] });
    const [ok] = b.outputs;
    assert.ok(ok?.kind === 'respond');
    assert.deepEqual(ok.text.split('\r\n'), [
      'SIP/2.0 200 OK',
      `Via: ${VIA}`,
      'From: <sip:b@b.test>',
      'To: <sip:a@a.test>;tag=t1',
      'Call-ID: 1',
      'CSeq: 1 INVITE',
      'Record-Route: <sip:p.test;lr>',
      'Contact: <sip:a@192.0.2.1>',
      'Supported: replaces',
      'Content-Type: application/sdp',
      'Content-Length: 5',
      '',
      'offer',
    ]);
    assert.deepEqual(b.input({ kind: 'reject', status: 486 }), [], 'too late to refuse');
  });

  test('a call taken over by another process goes on from its dialog, and a 2xx of before gets its ACK', () => {
    const a = answered();
    a.input({ kind: 'offer', body: OFFER });
    const reinvite = a.sent('INVITE');
    const snapshot = snapshotCall(a.call);
    assert.ok(snapshot);
    assert.equal(nextDeadline(snapshot), undefined);
    const b = alone([JSON.parse(JSON.stringify(snapshot)) as Call, []]);
    assert.deepEqual(b.input(reply(reinvite, 200, 'b')), ['ack']);
    assert.equal(b.sent('ACK').cseq.seq, reinvite.cseq.seq);
    assert.deepEqual(b.input({ kind: 'hang-up' }), ['send BYE', 'ended hung-up']);
    assert.equal(b.sent('BYE').cseq.seq, reinvite.cseq.seq + 1001, 'above all that went out since the snapshot');
    assert.equal(snapshotCall(start().call), undefined);
  });

  test('commands that fit no longer are ignored, or answered where somebody waits for it', () => {
    const a = start();
    for (const kind of ['acknowledge', 'withdraw', 'answer'] as const) assert.deepEqual(a.input({ kind }), []);
    assert.deepEqual(a.input({ kind: 'offer', body: OFFER }), ['offer-failed 491']);
    assert.deepEqual(a.input({ kind: 'send', method: octets`INFO` }), ['reply 481']);
    const b = answered();
    b.input({ kind: 'hang-up' });
    assert.deepEqual(b.input({ kind: 'offer', body: OFFER }), []);
  });
});
