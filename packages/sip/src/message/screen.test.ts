import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { composeResponse, parseMessage, screenMessage } from './index.ts';

const BASE = [
  'Via: SIP/2.0/UDP h.test;branch=z9hG4bK1',
  'From: <sip:a@b.test>;tag=1',
  'To: <sip:c@d.test>',
  'Call-ID: 1',
  'CSeq: 1 OPTIONS',
  'Max-Forwards: 70',
];

function verdict(lines: readonly string[], body = '', first = 'OPTIONS sip:c@d.test SIP/2.0') {
  const outcome = parseMessage(`${[first, ...lines].join('\r\n')}\r\n\r\n${body}` as Octets);
  assert.ok(outcome.kind === 'message', JSON.stringify(outcome));
  const found = screenMessage(outcome.message);
  return found && { status: found.status, code: found.code, ...(found.drop ? { drop: true } : {}) };
}

suite('screening', () => {
  test('RFC 3261 §8.1.1: the least there may be is sound', () => {
    assert.equal(verdict(BASE), undefined);
    assert.equal(verdict(BASE.slice(0, 5)), undefined);
  });

  test('RFC 3261 §7.3.1: a field that may stand once stands once, compact or long, spaced or not', () => {
    for (const extra of [
      'i: 2',
      'CALL-ID : 1',
      'CSeq: 2 OPTIONS',
      'f: <sip:x@y>;tag=2',
      't\t: <sip:x@y>',
      'max-forwards: 1',
    ]) {
      assert.match(verdict([...BASE, extra])?.code ?? '', /^duplicate-/, extra);
    }
    assert.equal(verdict([...BASE, 'l: 0', 'Content-Length: 0'])?.code, 'duplicate-content-length');
  });

  test('RFC 3261 §7.3: a CR, LF or NUL of its own in a head is refused, a quoted NUL is not', () => {
    for (const extra of [
      'X: a\nVia: evil',
      'X: a\rb',
      'X: a\0b',
      'X\0: a',
      'X: "a\0b"',
      'Subject: \\\0',
      'X: a\r',
      '\rX: a',
      'X: a\n',
    ]) {
      assert.match(verdict([...BASE, extra])?.code ?? '', /bare-control|bad-header-line/, JSON.stringify(extra));
    }
    assert.equal(verdict(BASE, '', 'OPTIONS sip:c@d.test\rX SIP/2.0')?.status, 400);
    assert.equal(verdict([...BASE, 'Subject: "\\\0"']), undefined);
    assert.equal(verdict(BASE, 'a\nb\rc\0d'), undefined);
  });

  test('RFC 3261 §7.3: the refusal of a stray NUL does not carry it back; a quoted one goes back octet for octet', () => {
    const answerTo = (fromValue: string): string => {
      const lines = BASE.map((line) => (line.startsWith('From:') ? `From: ${fromValue}` : line));
      const outcome = parseMessage(`OPTIONS sip:c@d.test SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n` as Octets);
      assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
      return composeResponse(outcome.message, 400);
    };
    for (const bad of [
      '"A\0B" <sip:x@y>;tag=1',
      'A\\\0 <sip:x@y>;tag=1',
      '"A\\\\\0" <sip:x@y>;tag=1',
      '"\\\0\0" <sip:x@y>;tag=1',
    ]) {
      assert.equal(answerTo(bad).includes('\0'), false, JSON.stringify(bad));
    }
    assert.ok(answerTo('"A\\\0B" <sip:x@y>;tag=1').includes('From: "A\\\0B" <sip:x@y>;tag=1\r\n'));
  });

  test('RFC 3261 §8.2.6.2: an answer to a head with stray controls carries none of them', () => {
    const outcome = parseMessage(
      `OPTIONS sip:c@d.test SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\nX: y\r\nCall-ID: 1\r\n\r\n` as Octets,
    );
    assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
    const answer = composeResponse(outcome.message, 400);
    assert.equal(/(^|[^\r])\n/.test(answer), false);
    assert.equal(/^X:/m.test(answer), false);
  });

  test('RFC 3261 §18.3: Content-Length beyond the datagram, negative or no number', () => {
    assert.equal(verdict([...BASE, 'l: 5'], 'four')?.code, 'short-body');
    assert.equal(verdict([...BASE, 'l: 4'], 'four'), undefined);
    assert.equal(verdict([...BASE, 'l: 3'], 'four'), undefined);
    for (const bad of ['-1', 'five', '', '4 4', '0x4', '4,4', '99999999999999999999']) {
      assert.equal(verdict([...BASE, `l: ${bad}`], 'four')?.status, 400, bad);
    }
  });

  test('RFC 3261 §17.1.1.3, §18.1.2: responses and ACKs are dropped, not answered', () => {
    const ack = BASE.map((l) => l.replace('OPTIONS', 'ACK')).filter((l) => !l.startsWith('From'));
    assert.deepEqual(verdict(ack, '', 'ACK sip:c@d.test SIP/2.0'), { status: 400, code: 'missing-from', drop: true });
    assert.equal(verdict(BASE.slice(1), '', 'SIP/2.0 200 OK')?.drop, true);
  });

  test('RFC 3261 §7.1: lines that are no SIP are garbage', () => {
    for (const text of [
      'GET / HTTP/1.1\r\n\r\n',
      'INVITE\r\n\r\n',
      '\0\0\0\0',
      'x',
      'SIP/2.0 99 x\r\n\r\n',
      'SIP/3.0 200 OK\r\n\r\n',
      ' INVITE sip:a SIP/2.0\r\n\r\n',
    ]) {
      assert.equal(parseMessage(text as Octets).kind, 'garbage', JSON.stringify(text));
    }
    assert.deepEqual(parseMessage('\r\n\r\n' as Octets), { kind: 'keep-alive', ping: true });
    assert.deepEqual(parseMessage('\r\n' as Octets), { kind: 'keep-alive', ping: false });
  });
});
