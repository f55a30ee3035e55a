import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  asMono,
  asWall,
  bareHost,
  faulty,
  formatHost,
  formatSocketAddress,
  isIpv6,
  isReliable,
  later,
  parsed,
  randomHex,
  redactAddress,
  redactUri,
  redactUser,
  SendError,
  sameAddress,
  sameSocketAddress,
} from './index.ts';

suite('addresses', () => {
  test('IPv6 wears brackets in a URI or Via, IPv4 does not', () => {
    assert.equal(formatSocketAddress({ address: '192.0.2.1', port: 5060 }), '192.0.2.1:5060');
    assert.equal(formatSocketAddress({ address: '2001:db8::1', port: 5060 }), '[2001:db8::1]:5060');
    assert.equal(formatHost('::1'), '[::1]');
    assert.equal(formatHost('example.test'), 'example.test');
    for (const host of ['::1', '192.0.2.1', 'example.test']) assert.equal(bareHost(formatHost(host)), host);
    assert.ok(isIpv6('::') && !isIpv6('192.0.2.1'));
  });

  test('one IP address in two spellings is one; what is no address is like nothing but itself', () => {
    const cases: readonly (readonly [a: string, b: string, same: boolean])[] = [
      ['192.0.2.1', '192.0.2.1', true],
      ['192.0.2.1', '192.0.2.10', false],
      ['::1', '0:0:0:0:0:0:0:1', true],
      ['2001:DB8::a', '2001:db8:0:0::000A', true],
      ['2001:db8::a', '2001:db8::b', false],
      ['::', '0::0', true],
      ['::ffff:192.0.2.1', '192.0.2.1', false],
      ['a::z', 'a::y', false],
    ];
    for (const [a, b, same] of cases) assert.equal(sameAddress(a, b), same, `${a} ${b}`);
  });

  test('addresses are the same when both parts are', () => {
    const a = { address: '192.0.2.1', port: 5060 };
    assert.ok(sameSocketAddress(a, { ...a }));
    assert.ok(!sameSocketAddress(a, { ...a, port: 5061 }));
    assert.ok(!sameSocketAddress(a, { ...a, address: '192.0.2.2' }));
  });

  test('RFC 3261 §17 every transport but UDP is reliable', () => {
    const transports = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
    assert.deepEqual(transports.filter(isReliable), ['tcp', 'tls', 'ws', 'wss']);
  });
});

suite('time, randomness, faults', () => {
  test('later moves either clock, both ways', () => {
    assert.equal(later(asMono(10), 5), 15);
    assert.equal(later(asWall(10), -5), 5);
  });

  test('randomHex writes two digits a byte', () => {
    const random = {
      fill: <T extends Uint8Array>(into: T): T => {
        into.forEach((_, i) => {
          into[i] = i * 17;
        });
        return into;
      },
    };
    assert.equal(randomHex(random, 4), '00112233');
    assert.equal(randomHex(random, 0), '');
  });

  test('a parsed value and a fault are told apart by ok', () => {
    assert.deepEqual(parsed(1), { ok: true, value: 1 });
    assert.deepEqual(faulty('token', 3), { ok: false, fault: { expected: 'token', at: 3 } });
  });

  test('a send error carries a code to match on, and its cause', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new SendError('SEND_CONNECT', 'no', { cause });
    assert.deepEqual([error.code, error.cause, error.name], ['SEND_CONNECT', cause, 'SendError']);
  });
});

suite('redaction', () => {
  test('a URI keeps its scheme, the ends of its user and its host; password, parameters and headers go', () => {
    assert.equal(redactUri('sip:alice@example.test'), 'sip:a…e@example.test');
    assert.equal(
      redactUri('sips:alice:secret@example.test:5061;transport=tcp?Subject=x'),
      'sips:a…e@example.test:5061',
    );
    assert.equal(redactUri('sip:[2001:db8::1]:5060'), 'sip:[2001:db8::1]:5060');
    assert.equal(redactUri('tel:+14155550100;ext=1'), 'tel:+…0');
    assert.equal(redactUri('not a uri'), '…');
    assert.equal(redactUser('ab'), '…');
  });

  test('an address keeps its network', () => {
    assert.equal(redactAddress('192.0.2.17'), '192.0.2.…');
    assert.equal(redactAddress('2001:db8:1:2::3'), '2001:db8:1:…');
  });
});
