import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { parseMessage } from '@strowger/sip';
import { refuseBody } from './refuse-body.ts';

function refused(fields: readonly string[], body = 'v=0\r\n'): string | undefined {
  const head = ['INVITE sip:b@c.test SIP/2.0', 'Via: SIP/2.0/UDP h.test;branch=z9hG4bK1', ...fields];
  const outcome = parseMessage(`${head.join('\r\n')}\r\n\r\n${body}` as Octets);
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  const answer = refuseBody(outcome.message);
  return answer && `${answer.status} ${answer.reason.code} ${answer.fields?.join(' ')}`;
}

const NO_TYPE =
  '415 content-type-unknown Accept,application/sdp, multipart/mixed, multipart/alternative, multipart/related';

suite('bodies of an INVITE', () => {
  test('RFC 3261 §8.2.3 descriptions, multiparts and no body at all are tried', () => {
    assert.equal(refused(['Content-Type: application/sdp']), undefined);
    assert.equal(refused(['c: Application/SDP ;charset=utf-8']), undefined);
    assert.equal(refused(['Content-Type: multipart/mixed;boundary=x']), undefined);
    assert.equal(refused(['Content-Type: text/plain'], ''), undefined);
    assert.equal(refused([], ''), undefined);
    assert.equal(refused([]), undefined, 'a body of no type is what nearly every body is');
  });

  test('RFC 3261 §8.2.3 another type is answered 415 with the types that are taken', () => {
    assert.equal(refused(['Content-Type: application/unknownformat']), NO_TYPE);
    assert.equal(refused(['Content-Type: text/plain', 'Content-Disposition: session;handling=required']), NO_TYPE);
  });

  test('RFC 3261 §20.11 what may be ignored is no reason to refuse', () => {
    assert.equal(refused(['Content-Type: text/x', 'Content-Disposition: icon;handling=OPTIONAL']), undefined);
  });

  test('RFC 3261 §8.2.3 an encoding is answered 415 with what is taken', () => {
    const gzip = ['Content-Type: application/sdp', 'Content-Encoding: gzip'];
    assert.equal(refused(gzip), '415 content-encoding-unknown Accept-Encoding,identity');
    assert.equal(refused(['Content-Type: application/sdp', 'e: Identity']), undefined);
  });
});
