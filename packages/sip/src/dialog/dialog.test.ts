import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fromBytes, type Octets, octets } from '@strowger/proto';
import { parseMessage, type SipRequest, type SipResponse } from '../message/index.ts';
import {
  confirmDialog,
  type Dialog,
  dialogFromRequest,
  dialogFromResponse,
  dialogId,
  dialogKey,
  isOfDialog,
  receiveInDialog,
  refreshTarget,
} from './dialog.ts';
import { requestInDialog } from './request.ts';

const wire = (lines: readonly string[]): Octets => fromBytes(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));

function request(...lines: string[]): SipRequest {
  const outcome = parseMessage(wire(lines));
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  return outcome.message;
}

function response(...lines: string[]): SipResponse {
  const outcome = parseMessage(wire(lines));
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'response');
  return outcome.message;
}

const INVITE = [
  'INVITE sip:bob@biloxi.example SIP/2.0',
  'Via: SIP/2.0/UDP p2.test;branch=z9hG4bK2',
  'Record-Route: <sip:p2.test;lr>',
  'Record-Route: <sip:p1.test;lr>',
  'From: "Alice" <sip:alice@atlanta.example>;tag=1928',
  'To: <sip:bob@biloxi.example>',
  'Call-ID: a84b4c76e66710@pc33',
  'CSeq: 314159 INVITE',
  'Contact: <sip:alice@pc33.atlanta.example>',
];

const OK = [
  'SIP/2.0 200 OK',
  'Via: SIP/2.0/UDP pc33.test;branch=z9hG4bK1',
  'Record-Route: <sip:p2.test;lr>, <sip:p1.test;lr>',
  'From: "Alice" <sip:alice@atlanta.example>;tag=1928',
  'To: Bob <sip:bob@biloxi.example>;tag=a6c85cf',
  'Call-ID: a84b4c76e66710@pc33',
  'CSeq: 314159 INVITE',
  'Contact: <sip:bob@192.0.2.4>',
];

function uas(): Dialog {
  const dialog = dialogFromRequest(request(...INVITE), { localTag: octets`b1`, state: 'confirmed' });
  assert.ok(dialog);
  return dialog;
}

const uac = (): Dialog => dialogFromResponse(response(...OK), { fallbackTarget: octets`sip:bob@biloxi.example` });

const lines = (text: Octets): string[] => text.split('\r\n');

suite('dialogs', () => {
  test('RFC 3261 §12.1.1 the UAS takes the route set as it stands, and the Contact as remote target', () => {
    assert.deepEqual(uas(), {
      callId: 'a84b4c76e66710@pc33',
      localTag: 'b1',
      remoteTag: '1928',
      localUri: '<sip:bob@biloxi.example>',
      remoteUri: 'Alice <sip:alice@atlanta.example>',
      remoteTarget: 'sip:alice@pc33.atlanta.example',
      routeSet: ['<sip:p2.test;lr>', '<sip:p1.test;lr>'],
      localSeq: 0,
      remoteSeq: 314159,
      secure: false,
      state: 'confirmed',
    });
  });

  test('§12.1.2 the UAC takes the route set in reverse', () => {
    const dialog = uac();
    assert.deepEqual(dialog.routeSet, ['<sip:p1.test;lr>', '<sip:p2.test;lr>']);
    assert.deepEqual([dialog.localTag, dialog.remoteTag, dialog.localSeq], ['1928', 'a6c85cf', 314159]);
    assert.equal(dialog.remoteSeq, undefined);
  });

  test('§12 both sides know the dialog by the same three, the other way round', () => {
    const bye = request(
      'BYE sip:b@b.test SIP/2.0',
      'Via: SIP/2.0/UDP a.test;branch=z9hG4bK9',
      'From: <sip:alice@atlanta.example>;tag=1928',
      'To: <sip:bob@biloxi.example>;tag=b1',
      'Call-ID: a84b4c76e66710@pc33',
      'CSeq: 314160 BYE',
    );
    assert.equal(dialogKey(dialogId(bye)), dialogKey(uas()));
    assert.ok(isOfDialog(uas(), bye));
    assert.ok(!isOfDialog(uac(), bye));
  });

  test('§12.1.1 a request without a usable Contact makes no dialog', () => {
    const without = INVITE.filter((line) => !line.startsWith('Contact'));
    assert.equal(dialogFromRequest(request(...without), { localTag: octets`b1` }), undefined);
  });

  test('§12.2.1.1 loose routing: the target in the Request-URI, the route set in Route, the first route next', () => {
    const built = requestInDialog(uac(), { method: octets`BYE` });
    assert.deepEqual(lines(built.text), [
      'BYE sip:bob@192.0.2.4 SIP/2.0',
      'Max-Forwards: 70',
      'Route: <sip:p1.test;lr>',
      'Route: <sip:p2.test;lr>',
      'From: Alice <sip:alice@atlanta.example>;tag=1928',
      'To: Bob <sip:bob@biloxi.example>;tag=a6c85cf',
      'Call-ID: a84b4c76e66710@pc33',
      'CSeq: 314160 BYE',
      'Content-Length: 0',
      '',
      '',
    ]);
    assert.equal(built.nextHop, 'sip:p1.test;lr');
    assert.equal(built.dialog.localSeq, 314160);
  });

  test('§12.2.1.1 a strict router first: its URI in the Request-URI, the target last in Route', () => {
    const dialog = { ...uac(), routeSet: [octets`<sip:strict.test;method=INVITE?x=y>`, octets`<sip:p2.test;lr>`] };
    const built = requestInDialog(dialog, { method: octets`BYE` });
    assert.deepEqual(lines(built.text).slice(0, 4), [
      'BYE sip:strict.test SIP/2.0',
      'Max-Forwards: 70',
      'Route: <sip:p2.test;lr>',
      'Route: <sip:bob@192.0.2.4>',
    ]);
    assert.equal(built.nextHop, 'sip:strict.test');
  });

  test('§13.2.2.4 an ACK has the number of its INVITE and takes none', () => {
    const built = requestInDialog(uac(), { method: octets`ACK`, seq: 314159 });
    assert.ok(lines(built.text).includes('CSeq: 314159 ACK'));
    assert.equal(built.dialog.localSeq, 314159);
  });

  test('§12.2.2 a number not above the last is out of order; a gap is none of our business', () => {
    const at = (seq: number, method = 'INFO') =>
      receiveInDialog(
        uas(),
        request(
          `${method} sip:b@b.test SIP/2.0`,
          'From: <sip:alice@atlanta.example>;tag=1928',
          'To: <sip:bob@biloxi.example>;tag=b1',
          'Call-ID: a84b4c76e66710@pc33',
          `CSeq: ${seq} ${method}`,
        ),
      );
    assert.equal(at(314158).verdict, 'out-of-order');
    assert.equal(at(314159).verdict, 'out-of-order');
    assert.equal(at(314159, 'ACK').verdict, 'ok');
    assert.deepEqual([at(314170).verdict, at(314170).dialog.remoteSeq], ['ok', 314170]);
  });

  test('§12.1.1 a peer of RFC 2543 has no tag, and gets none back', () => {
    const old = INVITE.map((line) => line.replace(';tag=1928', ''));
    const dialog = dialogFromRequest(request(...old), { localTag: octets`b1` });
    assert.ok(dialog);
    assert.equal(dialog.remoteTag, '');
    assert.ok(
      lines(requestInDialog(dialog, { method: octets`BYE` }).text).includes('To: Alice <sip:alice@atlanta.example>'),
    );
  });

  test('§13.2.2.4 the 2xx confirms an early dialog and renews its route set and target', () => {
    const ringing = OK.map((line) =>
      line.replace('200 OK', '180 Ringing').replace('192.0.2.4', '192.0.2.9').replace(', <sip:p1.test;lr>', ''),
    );
    const early = dialogFromResponse(response(...ringing), { fallbackTarget: octets`sip:x` });
    assert.deepEqual(
      [early.state, early.remoteTarget, early.routeSet],
      ['early', 'sip:bob@192.0.2.9', ['<sip:p2.test;lr>']],
    );
    assert.deepEqual(confirmDialog(early, response(...OK)), uac());
  });

  test('§12.2 a target refresh moves the remote target and leaves the route set', () => {
    const moved = refreshTarget(uac(), response(...OK.map((line) => line.replace('192.0.2.4', '[2001:db8::7]'))));
    assert.deepEqual(moved, { ...uac(), remoteTarget: 'sip:bob@[2001:db8::7]' });
  });
});
