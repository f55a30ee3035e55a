import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Octets, octets } from '@strowger/proto';
import fc from 'fast-check';
import { type Frame, StreamFramer } from './index.ts';

const message = (body: string, field = 'Content-Length'): Octets =>
  octets`OPTIONS sip:a SIP/2.0\r\nTo: x\r\n${field as Octets}: ${body.length}\r\n\r\n${body as Octets}`;

function frames(text: string, size = text.length, limits?: ConstructorParameters<typeof StreamFramer>[0]): Frame[] {
  const framer = new StreamFramer(limits);
  const out: Frame[] = [];
  for (let at = 0; at < text.length; at += size) out.push(...framer.push(text.slice(at, at + size) as Octets));
  return out;
}
const kinds = (text: string, size?: number) => frames(text, size).map((f) => f.kind);

suite('framing of streams', () => {
  test('RFC 3261 §18.3: messages end where their Content-Length says, however they are cut', () => {
    const texts = [message('abc'), message('', 'l'), message('x\r\n\r\ny', 'CONTENT-length \t')];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (size) => {
        assert.deepEqual(
          frames(texts.join(''), size),
          texts.map((text) => ({ kind: 'message', text })),
        );
      }),
    );
  });

  test('RFC 5626 §4.4.1: pings and pongs between messages, whole or in halves', () => {
    assert.deepEqual(kinds('\r\n\r\n'), ['ping']);
    assert.deepEqual(kinds('\r\n'), ['pong']);
    assert.deepEqual(kinds('\r\n\r\n\r\n\r\n'), ['ping', 'ping']);
    assert.deepEqual(kinds('\r\n\r\n', 2), ['pong', 'ping']);
    assert.deepEqual(kinds('\r\n\r\n', 1), ['pong', 'ping']);
    assert.deepEqual(kinds(`\r\n\r\n${message('a')}\r\n\r\n${message('')}`), ['ping', 'message', 'ping', 'message']);
    assert.deepEqual(kinds(`\r\n${message('a')}`), ['pong', 'message']);
  });

  test('RFC 3261 §20.14, RFC 4475 §3.1.2.3, §3.3.9: without one sound length there is no next message', () => {
    const head = 'OPTIONS sip:a SIP/2.0\r\n';
    for (const fields of [
      'To: x\r\n',
      'l: -1\r\n',
      'l: five\r\n',
      'l:\r\n',
      'l: 1\r\nContent-Length: 2\r\n',
      'l: 99999999999\r\n',
    ]) {
      assert.deepEqual(kinds(`${head}${fields}\r\n${message('a')}`), ['broken'], fields);
    }
    assert.deepEqual(kinds(`${head}l: 1\r\nContent-Length: 1\r\n\r\na`), ['message']);
    assert.deepEqual(kinds(`${head}l:\r\n 1\r\n\r\na`), ['message']);
  });

  test('RFC 3261 §18.3: heads and bodies have bounds, and after them nothing is read', () => {
    const limits = { maxHead: 100, maxBody: 5 };
    assert.deepEqual(
      frames('x'.repeat(1000), 7, limits).map((f) => f.kind),
      ['broken'],
    );
    assert.deepEqual(
      frames(message('abcdef'), 1, limits).map((f) => f.kind),
      ['broken'],
    );
    assert.deepEqual(
      frames(message('abcde'), 1, limits).map((f) => f.kind),
      ['message'],
    );
    const framer = new StreamFramer(limits);
    framer.push('x'.repeat(200) as Octets);
    assert.equal(framer.pending, 0);
  });

  test('RFC 3261 §18.3: an octet at a time costs no more than its octets', () => {
    // 60 kB head: joined anew at each octet, this would copy 1.8 GB.
    const text = message('b'.repeat(50_000)).replace('To: x', `To: ${'x'.repeat(60_000)}`);
    assert.deepEqual(kinds(text, 1), ['message']);
  });
});
