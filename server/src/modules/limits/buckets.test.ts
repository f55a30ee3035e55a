import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import { Buckets } from './buckets.ts';

suite('buckets', () => {
  test('a burst, then the rate', () => {
    const buckets = new Buckets({ perSecond: 2, burst: 3, cap: 10 });
    const take = (ms: number) => buckets.take('192.0.2.1', asMono(ms));
    assert.deepEqual([take(0), take(0), take(0), take(0)], [true, true, true, false]);
    assert.deepEqual([take(499), take(500), take(501)], [false, true, false]);
    assert.equal(buckets.take('192.0.2.2', asMono(501)), true, 'another address has its own');
  });

  test('one IPv6 host cannot have more than one by changing its address', () => {
    const buckets = new Buckets({ perSecond: 1, burst: 1, cap: 10 });
    assert.equal(buckets.take('2001:db8::1', asMono(0)), true);
    assert.equal(buckets.take('2001:db8:0:0:ffff::2', asMono(0)), false);
    assert.equal(buckets.take('2001:db8:0:1::1', asMono(0)), true);
  });

  test('an IPv4 host that a socket of both families names is one host, not all of them', () => {
    const buckets = new Buckets({ perSecond: 1, burst: 1, cap: 10 });
    const take = (address: string) => buckets.take(address, asMono(0));
    assert.deepEqual([take('::ffff:192.0.2.1'), take('::ffff:192.0.2.2'), take('192.0.2.1')], [true, true, false]);
  });

  test('no more addresses are remembered than the cap', () => {
    const buckets = new Buckets({ perSecond: 1, burst: 1, cap: 5 });
    for (let i = 0; i < 100; i += 1) buckets.take(`192.0.2.${i}`, asMono(0));
    assert.equal(buckets.size, 5);
    assert.equal(buckets.isEmpty('192.0.2.99', asMono(0)), true);
    assert.equal(buckets.isEmpty('192.0.2.1', asMono(0)), false);
  });
});
