import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PortAllocator } from './ports.ts';
import { TestClock, TestUdp, testRandom } from './test-udp.ts';

const HERE = '192.0.2.1';

function rig(first: number, last: number, seed = 1) {
  const udp = new TestUdp();
  const clock = new TestClock();
  const ports = new PortAllocator(udp, clock, testRandom(seed), { range: { first, last }, quarantine: 2000 });
  return { udp, clock, ports };
}

suite('RTP ports', () => {
  test('RFC 3550 §11 even RTP, odd RTCP, within the range; then MEDIA_NO_PORTS', async () => {
    const { udp, ports } = rig(31_001, 31_008);
    const got = [await ports.acquire(HERE), await ports.acquire(HERE), await ports.acquire(HERE)];
    assert.deepEqual(got.map(({ port }) => port).sort(), [31_002, 31_004, 31_006]);
    assert.equal(udp.open.length, 6);
    assert.ok(udp.open.includes(`${HERE}:31007`));
    await assert.rejects(ports.acquire(HERE), { code: 'MEDIA_NO_PORTS' });
    assert.equal(ports.counters().exhausted, 1);
  });

  test('the order is random, by seed', async () => {
    const orderOf = async (seed: number) => {
      const { ports } = rig(31_000, 31_039, seed);
      const order: number[] = [];
      for (let i = 0; i < 20; i += 1) order.push((await ports.acquire(HERE)).port);
      return order;
    };
    assert.deepEqual(await orderOf(1), await orderOf(1));
    assert.notDeepEqual(await orderOf(1), await orderOf(2));
  });

  test('each address has the whole range', async () => {
    const { ports } = rig(31_000, 31_001);
    assert.equal((await ports.acquire(HERE)).port, 31_000);
    assert.equal((await ports.acquire('2001:db8::1')).port, 31_000);
  });

  test('a released pair rests: others go first, and when none is left it is taken early and counted', async () => {
    const { udp, clock, ports } = rig(31_000, 31_003);
    const one = await ports.acquire(HERE);
    ports.release(one);
    assert.deepEqual(udp.open, []);
    assert.deepEqual([ports.counters().resting, ports.counters().free], [1, 1]);
    const two = await ports.acquire(HERE);
    assert.notEqual(two.port, one.port);
    assert.equal((await ports.acquire(HERE)).port, one.port);
    assert.equal(ports.counters().early, 1);
    ports.release(two);
    clock.ms += 2000;
    assert.equal((await ports.acquire(HERE)).port, two.port);
    assert.equal(ports.counters().early, 1);
    assert.equal(ports.counters().inUse, 2);
  });

  test('a pair of which another program has either port is passed over, and its sockets are closed', async () => {
    const { udp, ports } = rig(31_000, 31_005);
    udp.occupied.add(`${HERE}:31000`);
    udp.occupied.add(`${HERE}:31003`);
    assert.equal((await ports.acquire(HERE)).port, 31_004);
    assert.deepEqual(udp.open, [`${HERE}:31004`, `${HERE}:31005`]);
    await assert.rejects(ports.acquire(HERE), { code: 'MEDIA_NO_PORTS' });
    assert.deepEqual(udp.open.length, 2);
  });

  test('a wish is granted if it is free, else another pair is given', async () => {
    const { ports } = rig(31_000, 31_099);
    assert.equal((await ports.acquire(HERE, 31_042)).port, 31_042);
    assert.notEqual((await ports.acquire(HERE, 31_042)).port, 31_042);
    assert.notEqual((await ports.acquire(HERE, 22)).port, 22);
  });

  test('calls at once never get the same pair', async () => {
    const { ports } = rig(31_000, 31_019);
    const got = await Promise.all(Array.from({ length: 10 }, () => ports.acquire(HERE)));
    assert.equal(new Set(got.map(({ port }) => port)).size, 10);
  });

  test('an address that is not ours is MEDIA_BIND_FAILED, and costs no pair', async () => {
    const { udp, ports } = rig(31_000, 31_001);
    const { bind } = udp;
    udp.bind = () => Promise.reject(Object.assign(new Error('no'), { code: 'EADDRNOTAVAIL' }));
    await assert.rejects(ports.acquire(HERE), { code: 'MEDIA_BIND_FAILED' });
    udp.bind = bind;
    assert.equal((await ports.acquire(HERE)).port, 31_000);
  });
});
