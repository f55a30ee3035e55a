import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fromBytes, octets } from '@strowger/proto';
import { param, parseMessage, type SipRequest, splice } from '../message/index.ts';
import {
  type ForwardTarget,
  forwardEdits,
  loopHash,
  type ProxyIdentity,
  routeInformation,
  validateForward,
} from './forward.ts';

function request(uri: string, ...more: string[]): SipRequest {
  const lines = [
    `INVITE ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP a.test;branch=z9hG4bKa',
    'From: <sip:a@a.test>;tag=1',
    'To: <sip:b@b.test>',
    'Call-ID: c1',
    'CSeq: 1 INVITE',
    ...more,
    '',
    '',
  ];
  const outcome = parseMessage(fromBytes(Buffer.from(lines.join('\r\n'))));
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  return outcome.message;
}

const self: ProxyIdentity = {
  isOwn: (uri) => uri.kind === 'sip' && uri.host === 'p.test',
  loopHashOf: (via) => (via.host === 'p.test' ? Number(param(via.params, 'branch')?.split('.')[1]) : undefined),
  supported: new Set(['foo']),
};

function forward(message: SipRequest, target: ForwardTarget = {}): { lines: string[]; nextHop: string } {
  const { edits, nextHop } = forwardEdits(message, routeInformation(message, self), target);
  return { lines: splice(message, edits).split('\r\n').slice(0, -2), nextHop };
}

suite('forwarding', () => {
  test('RFC 3261 §16.3 Max-Forwards 0: 483', () => {
    assert.deepEqual(validateForward(request('sip:b@b.test', 'Max-Forwards: 0'), self), {
      status: 483,
      code: 'too-many-hops',
    });
    assert.equal(validateForward(request('sip:b@b.test', 'Max-Forwards: 1'), self), undefined);
  });

  test('§16.3 an extension in Proxy-Require that we do not know: 420 and its name', () => {
    assert.deepEqual(validateForward(request('sip:b@b.test', 'Proxy-Require: foo, bar'), self), {
      status: 420,
      code: 'proxy-require-unsupported',
      unsupported: ['bar'],
    });
  });

  test('RFC 5393 §4.2 a loop is refused, a spiral is not', () => {
    const looped = request('sip:b@b.test', 'Via: SIP/2.0/UDP p.test;branch=z9hG4bK1.1111');
    assert.equal(validateForward(looped, self, 1111)?.code, 'loop-detected');
    assert.equal(validateForward(looped, self, 2222), undefined);
    const inputs = [
      request('sip:b@b.test'),
      request('sip:c@b.test'),
      request('sip:b@b.test', 'Route: <sip:x.test;lr>'),
      request('sip:b@b.test', 'Proxy-Require: foo'),
    ].map(loopHash);
    assert.equal(new Set(inputs).size, 4);
    assert.equal(loopHash(request('sip:b@b.test')), loopHash(request('sip:b@b.test', 'X-Other: 1')));
  });

  test('§16.6 the target in the Request-URI, one hop less, our Record-Route on top, all else as it came', () => {
    const message = request('sip:b@b.test', 'Record-Route: <sip:other.test;lr>', 'Max-Forwards: 70', 'X-Odd:   kept');
    const { lines, nextHop } = forward(message, {
      uri: octets`sip:b@192.0.2.7:5062`,
      recordRoutes: [octets`<sip:p.test;lr>`],
    });
    assert.equal(lines[0], 'INVITE sip:b@192.0.2.7:5062 SIP/2.0');
    assert.ok(lines.indexOf('Record-Route: <sip:p.test;lr>') < lines.indexOf('Record-Route: <sip:other.test;lr>'));
    assert.ok(lines.indexOf('Record-Route: <sip:p.test;lr>') > 0);
    assert.ok(lines.includes('Max-Forwards: 69') && lines.includes('X-Odd:   kept'));
    assert.equal(nextHop, 'sip:b@192.0.2.7:5062');
  });

  test('§16.6 step 3 no Max-Forwards: 70', () => {
    assert.ok(forward(request('sip:b@b.test')).lines.includes('Max-Forwards: 70'));
  });

  test('§16.4 our own Route values go, both of them between two transports (RFC 5658)', () => {
    const message = request(
      'sip:b@192.0.2.7',
      'Route: <sip:p.test;lr;flow=1>, <sip:p.test;lr;transport=tcp>, <sip:next.test;lr>',
      'Max-Forwards: 70',
    );
    const info = routeInformation(message, self);
    assert.deepEqual([info.removed, info.routes], [2, ['<sip:next.test;lr>']]);
    assert.equal(info.own && param(info.own.uri.kind === 'sip' ? info.own.uri.params : [], 'flow'), '1');
    const { lines, nextHop } = forward(message);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('Route')),
      ['Route: <sip:next.test;lr>'],
    );
    assert.equal(nextHop, 'sip:next.test;lr');
  });

  test('§16.4 from a strict router: the true Request-URI stands last in Route', () => {
    const message = request('sip:p.test;lr', 'Route: <sip:next.test;lr>, <sip:b@192.0.2.7>');
    const { lines, nextHop } = forward(message);
    assert.equal(lines[0], 'INVITE sip:b@192.0.2.7 SIP/2.0');
    assert.deepEqual(
      lines.filter((line) => line.startsWith('Route')),
      ['Route: <sip:next.test;lr>'],
    );
    assert.equal(nextHop, 'sip:next.test;lr');
  });

  test('§16.6 step 6 to a strict router: its URI in the Request-URI, the target last in Route', () => {
    const { lines, nextHop } = forward(request('sip:b@192.0.2.7', 'Route: <sip:strict.test>, <sip:next.test;lr>'));
    assert.equal(lines[0], 'INVITE sip:strict.test SIP/2.0');
    assert.deepEqual(
      lines.filter((line) => line.startsWith('Route')),
      ['Route: <sip:next.test;lr>', 'Route: <sip:b@192.0.2.7>'],
    );
    assert.equal(nextHop, 'sip:strict.test');
  });

  test('RFC 3327 §5.1 the path of a binding goes before the target', () => {
    const { lines, nextHop } = forward(request('sip:b@b.test'), {
      uri: octets`sip:b@10.0.0.7`,
      routes: [octets`<sip:edge.test;lr>`],
    });
    assert.ok(lines.includes('Route: <sip:edge.test;lr>'));
    assert.equal(nextHop, 'sip:edge.test;lr');
  });
});
