import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Octets, octets } from '@strowger/proto';
import { via } from './headers/via.ts';
import type { SipRequest } from './message.ts';
import { parseMessage } from './parse.ts';
import { replaceTopVia } from './top-via.ts';

const read = (text: string): SipRequest => {
  const outcome = parseMessage(text as Octets);
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  return outcome.message;
};

suite('replaceTopVia', () => {
  const rest = 'From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 2\r\n\r\nhi';
  for (const [what, lines] of [
    ['alone', 'Via: SIP/2.0/UDP h;rport;branch=z9hG4bK1\r\n'],
    [
      'first of a list, folded',
      'X: y\r\nv:\r\n SIP/2.0/UDP h;branch=z9hG4bK1 ,\r\n\tSIP/2.0/TCP i;branch=z9hG4bK2\r\n',
    ],
    [
      'first of two lines',
      'Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nSubject: s\r\nVia: SIP/2.0/UDP j;branch=z9hG4bK3\r\n',
    ],
  ] as const) {
    for (const value of [octets`SIP/2.0/UDP h;received=192.0.2.1;rport=5060;branch=z9hG4bK1`, octets`SIP/2.0/UDP h`]) {
      test(`RFC 3261 §18.2.1 ${what}, ${value.length} octets: the same index as if it were read anew`, () => {
        const request = read(`OPTIONS sip:b SIP/2.0\r\n${lines}${rest}`);
        const replaced = replaceTopVia(request, value);
        assert.equal(replaced.raw(via), value);
        assert.deepEqual(replaced.rawAll(via).slice(1), request.rawAll(via).slice(1));
        assert.equal(replaced.body, 'hi');
        assert.deepEqual(replaced.head, read(replaced.text).head);
        assert.deepEqual([replaced.method, replaced.uriText, replaced.callId], ['OPTIONS', 'sip:b', 'c']);
      });
    }
  }
});
