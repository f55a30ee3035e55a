import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, type SocketAddress, TimerWheel } from '@strowger/proto';
import { createInProcessMedia } from './in-process.ts';
import { DEFAULT_TIMING } from './options.ts';
import type { LegName, MediaEvent, StreamLocal, StreamRemote } from './port.ts';
import { rtcpPacket, rtpPacket, TestClock, TestUdp, testRandom } from './test-udp.ts';

const OUT4 = '192.0.2.1';
const OUT6 = '2001:db8::1';
const ALICE: SocketAddress = { address: '198.51.100.7', port: 4000 };
const BOB: SocketAddress = { address: '2001:db8:7::b', port: 5000 };
const EVE: SocketAddress = { address: '203.0.113.66', port: 4000 };

const at = ({ address, port }: SocketAddress, more: Partial<StreamRemote> = {}): StreamRemote => ({
  address,
  port,
  rtcpPort: port + 1,
  ...more,
});
const rtcpOf = ({ address, port }: SocketAddress): SocketAddress => ({ address, port: port + 1 });

async function rig(range = { first: 31_000, last: 31_099 }) {
  const udp = new TestUdp();
  const clock = new TestClock();
  const wheel = new TimerWheel(clock.now());
  const options = { ports: range, timing: DEFAULT_TIMING };
  const media = createInProcessMedia({ udp, clock, wheel, random: testRandom(1), options });
  const port = media.control();
  const events: MediaEvent[] = [];
  port.onEvent((event) => events.push(event));
  const advance = (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; ) {
      clock.ms = Math.min(end, clock.ms + 100);
      wheel.advance(asMono(clock.ms));
    }
  };
  return { udp, clock, wheel, media, port, events, advance };
}

type Rig = Awaited<ReturnType<typeof rig>>;

async function call({ port }: Rig, streams = 1): Promise<Readonly<Record<LegName, readonly StreamLocal[]>>> {
  const legs = { a: { bind: OUT4 }, b: { bind: OUT6 } };
  const local = await port.allocate({ bridge: 'one', legs, streams });
  await port.connect({ bridge: 'one', leg: 'a', source: ALICE.address, streams: [at(ALICE)] });
  await port.connect({ bridge: 'one', leg: 'b', source: BOB.address, streams: [at(BOB)] });
  return local;
}

const first = (local: readonly StreamLocal[]): StreamLocal => local[0] as StreamLocal;

suite('media server', () => {
  test('RTP and RTCP go both ways, IPv4 to IPv6; third hosts are never forwarded nor sent to', async () => {
    const r = await rig();
    const { a, b } = await call(r);
    const [ours, theirs] = [first(a), first(b)];
    r.udp.arrive(EVE, ours, rtpPacket(1, 1));
    r.udp.arrive(ALICE, ours, rtpPacket(2, 7));
    r.udp.arrive(BOB, theirs, rtpPacket(3, 8));
    r.udp.arrive(rtcpOf(ALICE), rtcpOf(ours), rtcpPacket(7));
    r.udp.arrive(EVE, ours, rtpPacket(4, 7));
    r.udp.arrive(EVE, rtcpOf(ours), rtcpPacket(7));
    assert.deepEqual(r.udp.sent, [
      `[${OUT6}]:${theirs.port} > [${BOB.address}]:5000 #2`,
      `${OUT4}:${ours.port} > ${ALICE.address}:4000 #3`,
      `[${OUT6}]:${theirs.rtcpPort} > [${BOB.address}]:5001 #1`,
    ]);
    const stats = await r.port.release('one');
    assert.deepEqual(stats?.legs.a[0]?.dropped, { foreign: 3 });
    assert.equal(stats?.legs.a[0]?.packets, 1);
    assert.equal(stats?.legs.a[0]?.rtcpPackets, 1);
    assert.deepEqual(r.udp.open, []);
    assert.equal(r.wheel.size, 0);
  });

  test('RFC 5761 each leg has RTCP where its own description puts it: muxed on one, apart on the other', async () => {
    const r = await rig();
    const { a, b } = await call(r);
    await r.port.connect({ bridge: 'one', leg: 'a', source: ALICE.address, streams: [at(ALICE, { rtcpPort: 4000 })] });
    r.udp.arrive(ALICE, first(a), rtcpPacket(7));
    r.udp.arrive(rtcpOf(BOB), rtcpOf(first(b)), rtcpPacket(8));
    assert.deepEqual(r.udp.sent, [
      `[${OUT6}]:${first(b).rtcpPort} > [${BOB.address}]:5001 #1`,
      `${OUT4}:${first(a).port} > ${ALICE.address}:4000 #1`,
    ]);
  });

  test('before its answer nothing of the callee is let in; what the caller says has nowhere to go', async () => {
    const r = await rig();
    const { a, b } = await r.port.allocate({
      bridge: 'one',
      legs: { a: { bind: OUT4 }, b: { bind: OUT6 } },
      streams: 1,
    });
    await r.port.connect({ bridge: 'one', leg: 'a', source: ALICE.address, streams: [at(ALICE)] });
    r.udp.arrive(ALICE, first(a), rtpPacket(1, 7));
    r.udp.arrive(BOB, first(b), rtpPacket(1, 8));
    assert.deepEqual(r.udp.sent, []);
    const [summary] = await r.port.list();
    assert.deepEqual(summary?.legs.a[0]?.dropped, { nowhere: 1 });
    assert.deepEqual(summary?.legs.b[0]?.dropped, { unconnected: 1 });
    assert.equal(summary?.legs.b[0]?.firstAt, undefined);
  });

  test('streams may be added, and what is there keeps its ports; a leg that moves gets new ones', async () => {
    const r = await rig();
    const one = await call(r);
    const two = await r.port.allocate({ bridge: 'one', legs: { a: { bind: OUT4 }, b: { bind: OUT6 } }, streams: 2 });
    assert.deepEqual([two.a[0], two.b[0], two.a.length, two.b.length], [one.a[0], one.b[0], 2, 2]);
    const moved = await r.port.allocate({ bridge: 'one', legs: { a: { bind: OUT4 }, b: { bind: OUT4 } }, streams: 2 });
    assert.deepEqual(moved.a, two.a);
    assert.deepEqual(
      moved.b.map(({ address }) => address),
      [OUT4, OUT4],
    );
    assert.equal(r.udp.open.length, 8);
    const late: SocketAddress = { address: '198.51.100.9', port: 6000 };
    await r.port.connect({ bridge: 'one', leg: 'b', streams: [at(late), null] });
    r.udp.arrive(ALICE, first(moved.a), rtpPacket(9, 7));
    assert.deepEqual(r.udp.sent, [`${OUT4}:${first(moved.b).port} > ${late.address}:6000 #9`]);
  });

  test('MEDIA_NO_PORTS leaves nothing of a new bridge, and an old one as it was', async () => {
    const r = await rig({ first: 31_000, last: 31_005 });
    const legs = { a: { bind: OUT4 }, b: { bind: OUT4 } };
    const one = await r.port.allocate({ bridge: 'one', legs, streams: 1 });
    await assert.rejects(r.port.allocate({ bridge: 'one', legs, streams: 2 }), { code: 'MEDIA_NO_PORTS' });
    await assert.rejects(r.port.allocate({ bridge: 'two', legs, streams: 1 }), { code: 'MEDIA_NO_PORTS' });
    const left = await r.port.list();
    assert.deepEqual(
      left.map(({ bridge, media }) => [bridge, media.a.local, media.b.local]),
      [['one', one.a, one.b]],
    );
    assert.equal(r.udp.open.length, 4);
  });

  test('a bridge that is released while its ports are bound leaves none behind', async () => {
    const r = await rig();
    const made = r.port.allocate({ bridge: 'one', legs: { a: { bind: OUT4 }, b: { bind: OUT6 } }, streams: 2 });
    await r.port.release('one');
    await assert.rejects(made, { code: 'MEDIA_UNKNOWN_BRIDGE' });
    assert.deepEqual(r.udp.open, []);
    assert.equal(r.media.server.counters().ports.inUse, 0);
  });

  test('after media was started anew, calls get their old ports by asking for them', async () => {
    const r = await rig();
    const legs = { a: { bind: OUT4, ports: [31_040] }, b: { bind: OUT6, ports: [31_060] } };
    const { a, b } = await r.port.allocate({ bridge: 'one', legs, streams: 1 });
    assert.deepEqual([first(a).port, first(b).port], [31_040, 31_060]);
  });

  test('addresses that nobody may be sent to are refused, and rings of our own ports', async () => {
    const r = await rig();
    const { a, b } = await call(r);
    const connect = (leg: LegName, address: string, port = 4000) =>
      r.port.connect({ bridge: 'one', leg, streams: [at({ address, port })] });
    for (const bad of ['224.0.0.1', '255.255.255.255', '127.0.0.1', 'phone.example', BOB.address]) {
      await assert.rejects(connect('a', bad), { code: 'MEDIA_BAD_ADDRESS' }, bad);
    }
    await assert.rejects(connect('a', OUT4, first(a).port), { code: 'MEDIA_LOOP' });
    await connect('b', '2001:0DB8:0::0001', first(b).port + 40);
    await assert.rejects(connect('b', '2001:DB8:0:0::1', first(b).port), { code: 'MEDIA_LOOP' });
  });

  test('a call that passes through us twice is no ring; two bridges whose four ends are ours are', async () => {
    const r = await rig();
    const legs = { a: { bind: OUT4 }, b: { bind: OUT4 } };
    const one = await r.port.allocate({ bridge: 'one', legs, streams: 1 });
    const two = await r.port.allocate({ bridge: 'two', legs, streams: 1 });
    await r.port.connect({ bridge: 'one', leg: 'b', streams: [first(two.a)] });
    await r.port.connect({ bridge: 'two', leg: 'a', streams: [first(one.b)] });
    await assert.rejects(r.port.connect({ bridge: 'one', leg: 'a', streams: [first(two.b)] }), { code: 'MEDIA_LOOP' });
    await assert.rejects(r.port.connect({ bridge: 'two', leg: 'b', streams: [first(one.a)] }), { code: 'MEDIA_LOOP' });
    await r.port.connect({ bridge: 'one', leg: 'a', streams: [at(ALICE)] });
    await r.port.connect({ bridge: 'two', leg: 'b', streams: [at(ALICE)] });
  });

  test('a ring by RTCP ports alone, or across the streams of one description, is refused as well', async () => {
    const r = await rig();
    const legs = { a: { bind: OUT4 }, b: { bind: OUT4 } };
    const { a, b } = await r.port.allocate({ bridge: 'one', legs, streams: 3 });
    const two = await r.port.allocate({ bridge: 'two', legs, streams: 1 });
    const [a0, a1, a2] = a as [StreamLocal, StreamLocal, StreamLocal];
    const [b0, b1, b2] = b as [StreamLocal, StreamLocal, StreamLocal];
    const rtcpAt = ({ rtcpPort }: StreamLocal) => ({ address: OUT4, port: 9, rtcpPort });
    await r.port.connect({ bridge: 'one', leg: 'a', streams: [rtcpAt(first(two.a))] });
    const back = r.port.connect({ bridge: 'two', leg: 'b', streams: [rtcpAt(b0)] });
    await assert.rejects(back, { code: 'MEDIA_LOOP' });
    await r.port.connect({ bridge: 'one', leg: 'a', streams: [] });
    await r.port.connect({ bridge: 'one', leg: 'b', streams: [b1, b2, b0] });
    await assert.rejects(r.port.connect({ bridge: 'one', leg: 'a', streams: [a1, a2, a0] }), { code: 'MEDIA_LOOP' });
  });
});

suite('silence', () => {
  test('a leg that is expected to send is told idle once, and resumed with its next packet', async () => {
    const r = await rig();
    const { a, b } = await call(r);
    for (let i = 0; i < 15; i += 1) {
      r.udp.arrive(BOB, first(b), rtpPacket(i, 8));
      r.advance(1000);
    }
    r.udp.arrive(ALICE, first(a), rtpPacket(1, 7));
    r.advance(1000);
    assert.deepEqual(r.events.slice(1), [
      { kind: 'idle', bridge: 'one', leg: 'a', stream: 0, silentMs: 10_000 },
      { kind: 'resumed', bridge: 'one', leg: 'a', stream: 0 },
    ]);
  });

  test('RFC 3264 §8.4 on hold nobody is expected to send; after resume silence counts from then', async () => {
    const r = await rig();
    await call(r);
    const turn = (direction: 'inactive' | 'sendrecv') =>
      Promise.all([
        r.port.connect({ bridge: 'one', leg: 'a', source: ALICE.address, streams: [at(ALICE, { direction })] }),
        r.port.connect({ bridge: 'one', leg: 'b', source: BOB.address, streams: [at(BOB, { direction })] }),
      ]);
    await turn('inactive');
    r.advance(60_000);
    assert.deepEqual(r.events.slice(1), []);
    await turn('sendrecv');
    r.advance(9000);
    assert.deepEqual(r.events.slice(1), []);
    r.advance(2000);
    assert.deepEqual(
      r.events.slice(1).map(({ kind }) => kind),
      ['idle', 'idle'],
    );
  });

  test('while the callee has not answered nobody is expected to send', async () => {
    const r = await rig();
    await r.port.allocate({ bridge: 'one', legs: { a: { bind: OUT4 }, b: { bind: OUT6 } }, streams: 1 });
    await r.port.connect({ bridge: 'one', leg: 'a', streams: [at(ALICE)] });
    r.advance(120_000);
    assert.deepEqual(r.events.slice(1), []);
  });
});

suite('orphans: signalling is gone', () => {
  test('audio goes on for as long as there is some, then 60 s of silence end the bridge', async () => {
    const r = await rig();
    const { a, b } = await call(r);
    r.port.close();
    for (let i = 0; i < 300; i += 1) {
      r.udp.arrive(ALICE, first(a), rtpPacket(i, 7));
      r.advance(1000);
    }
    assert.equal(r.udp.sent.length, 300);
    r.udp.arrive(BOB, first(b), rtpPacket(1, 8));
    r.advance(58_000);
    assert.equal(r.udp.open.length, 4);
    r.advance(3000);
    assert.deepEqual(r.udp.open, []);
    assert.equal(r.media.server.counters().bridges, 0);
    assert.equal(r.wheel.size, 0);
  });

  test('4 hours end it even while somebody sends', async () => {
    const r = await rig();
    const { a } = await call(r);
    r.port.close();
    for (let minute = 0; minute < 4 * 60 - 1; minute += 1) {
      r.udp.arrive(ALICE, first(a), rtpPacket(minute, 7));
      r.clock.ms += 30_000;
      r.udp.arrive(ALICE, first(a), rtpPacket(minute, 7));
      r.clock.ms += 29_900;
      r.advance(100);
    }
    r.udp.arrive(ALICE, first(a), rtpPacket(1, 7));
    r.advance(58_000);
    assert.equal(r.udp.open.length, 4);
    r.udp.arrive(ALICE, first(a), rtpPacket(2, 7));
    r.advance(3000);
    assert.deepEqual(r.udp.open, []);
  });

  test('the next signalling gets the list and adopts; what it does not adopt still ends by itself', async () => {
    const r = await rig();
    await call(r);
    await r.port.allocate({ bridge: 'two', legs: { a: { bind: OUT4 }, b: { bind: OUT6 } }, streams: 1 });
    r.port.close();
    const next = r.media.control();
    const events: MediaEvent[] = [];
    next.onEvent((event) => events.push(event));
    await Promise.resolve();
    const up = events[0];
    assert.ok(up?.kind === 'up');
    assert.deepEqual(
      up.bridges.map(({ bridge, owned }) => [bridge, owned]),
      [
        ['one', false],
        ['two', false],
      ],
    );
    assert.deepEqual(up.bridges[0]?.media.a.remote, [at(ALICE)]);
    assert.deepEqual(await next.adopt(['one', 'none']), ['one']);
    r.advance(61_000);
    assert.deepEqual(
      (await next.list()).map(({ bridge, owned }) => [bridge, owned]),
      [['one', true]],
    );
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'orphan-ended').map((event) => 'bridge' in event && event.bridge),
      ['two'],
    );
    await assert.rejects(r.port.list(), { code: 'MEDIA_DOWN' });
  });
});
