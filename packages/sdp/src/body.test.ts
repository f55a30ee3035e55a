import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { findSdp, replaceSdp } from './index.ts';
import { OFFER } from './samples.ts';

const o = (text: string) => text as Octets;
const text = (type: string | undefined, body: string) => {
  const found = findSdp(type === undefined ? undefined : o(type), o(body));
  return found.ok ? found.value?.text : found.fault.expected;
};

const MIXED = o(
  `preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nv=0 not me\r\n--b1  \r\nContent-Disposition: session\r\ncontent-type : application/sdp; x=y\r\n\r\n${OFFER}\r\n--b1--\r\nepilogue`,
);

suite('the description in a body', () => {
  test('RFC 3261 §20.15 application/sdp in any case, with parameters; nothing else is one', () => {
    assert.equal(text('Application/SDP ; charset=x', OFFER), OFFER);
    assert.equal(text('text/plain', OFFER), undefined);
    assert.equal(text('application/sdp', ''), undefined);
    assert.equal(text(undefined, OFFER), undefined);
  });

  test('RFC 5621 §3.1 the SDP part of a multipart, and its replacement, the rest byte for byte', () => {
    assert.equal(text('multipart/mixed; boundary=b1', MIXED), OFFER);
    assert.equal(text('multipart/mixed;a=b;BOUNDARY="b1";c=d', MIXED), OFFER);
    const found = findSdp(o('multipart/mixed;boundary=b1'), MIXED);
    assert.ok(found.ok && found.value);
    assert.equal(replaceSdp(MIXED, found.value, o('X')), MIXED.replace(OFFER, 'X'));
  });

  test('RFC 2046 §5.1.1 parts within parts, a boundary that is another’s beginning', () => {
    const inner = `--b1x\r\nContent-Type: application/sdp\r\n\r\n${OFFER}\r\n--b1x--`;
    const outer = `--b1\r\nContent-Type: multipart/alternative; boundary=b1x\r\n\r\n${inner}\r\n--b1--\r\n`;
    assert.equal(text('multipart/related; boundary=b1', outer), OFFER);
  });

  test('a second description, beside the first or within another part, is a fault: a phone might take that one', () => {
    const part = (type: string, body: string) => `--b\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
    const [one, other] = [
      part('application/sdp', OFFER),
      part('Application/SDP', OFFER.replace('192.0.2.10', '192.0.2.66')),
    ];
    const nested = part(
      'multipart/alternative;boundary=c',
      `--c\r\ncontent-type:application/sdp\r\n\r\n${OFFER}\r\n--c--`,
    );
    for (const body of [one + other, one + nested, nested + one, `${other.slice(5)}${one}`]) {
      assert.equal(text('multipart/mixed;boundary=b', `${body}--b--`), 'one description', body);
    }
    assert.equal(text('multipart/mixed;boundary=b', `${part('text/plain', 'v=0')}${one}--b--`), OFFER);
  });

  test('RFC 2046 §5.1.1 no boundary, no closing delimiter, too many parts: faults', () => {
    assert.equal(text('multipart/mixed', MIXED), 'boundary parameter');
    assert.equal(text('multipart/mixed; boundary=zz', MIXED), 'closing boundary');
    assert.equal(text('multipart/mixed; boundary=b1', MIXED.replace('--b1--', '')), 'closing boundary');
    assert.equal(text('multipart/mixed; boundary=b', '--b\r\n\r\n'.repeat(40)), 'at most 32 parts');
  });
});
