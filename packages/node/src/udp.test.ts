import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { BindError, type Datagram, type Octets } from '@strowger/proto';
import { createTurn, createUdpSet, type NodeUdpSet, toOctets } from './index.ts';

const LOOPBACK = { address: '127.0.0.1', port: 0 };

interface Seen {
  readonly batches: string[][];
  until(count: number): Promise<void>;
}

/** Records what comes, batch by batch; `until` resolves when that many datagrams have come. */
function watch(set: NodeUdpSet): Seen {
  const batches: string[][] = [];
  let total = 0;
  let wake = () => {};
  set.onBatch((batch: readonly Datagram[]) => {
    batches.push(batch.map((d) => toOctets(d.bytes)));
    total += batch.length;
    wake();
  });
  return {
    batches,
    until: (count) =>
      new Promise((resolve) => {
        wake = () => total >= count && resolve();
        wake();
      }),
  };
}

suite('UDP set on node:dgram', () => {
  for (const address of ['127.0.0.1', '::1']) {
    test(`${address}: every octet value arrives as it was sent, and the reply finds its way`, async () => {
      const set = createUdpSet();
      const a = await set.bind({ address, port: 0 });
      const b = await set.bind({ address, port: 0 });
      const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)) as Octets;
      const got: Datagram[] = [];
      const seen = new Promise<void>((resolve) =>
        set.onBatch((batch) => {
          for (const d of batch) {
            got.push({ ...d, bytes: d.bytes.slice() });
            if (d.socket === b) set.send(b, d.bytes, d);
            else resolve();
          }
        }),
      );
      set.send(a, all, set.local(b));
      await seen;
      assert.deepEqual(
        got.map((d) => [d.socket, d.address, d.port, toOctets(d.bytes) === all]),
        [
          [b, address, set.local(a).port, true],
          [a, address, set.local(b).port, true],
        ],
      );
      const { received, sent, sendErrors, queued } = set.counters();
      assert.deepEqual({ received, sent, sendErrors, queued }, { received: 2, sent: 2, sendErrors: 0, queued: 0 });
      await set.closeAll();
    });
  }

  test('a hundred datagrams keep their order and come in fewer callbacks than datagrams', async () => {
    const set = createUdpSet();
    const a = await set.bind(LOOPBACK);
    const b = await set.bind(LOOPBACK);
    const seen = watch(set);
    const texts = Array.from({ length: 100 }, (_, i) => `packet ${i}` as Octets);
    for (const text of texts) set.send(a, text, set.local(b));
    await seen.until(100);
    assert.deepEqual(seen.batches.flat(), texts);
    assert.ok(seen.batches.length < 50, `${seen.batches.length} callbacks`);
    await set.closeAll();
  });

  test('nothing leaves before the microtasks of the callback are done, and what waits for the end of the turn runs once, before them', async () => {
    const log: string[] = [];
    const turn = createTurn();
    const set = createUdpSet({ turn });
    const a = await set.bind(LOOPBACK);
    const b = await set.bind(LOOPBACK);
    const seen = watch(set);
    set.send(a, 'one' as Octets, set.local(b));
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    log.push('computed');
    turn.endOfTurn(() => {
      log.push(`journal, ${set.counters().queued} wait`);
      set.send(a, 'three' as Octets, set.local(b));
    });
    set.send(a, 'two' as Octets, set.local(b));
    await seen.until(3);
    assert.deepEqual(log, ['computed', 'journal, 2 wait']);
    assert.deepEqual(seen.batches.flat(), ['one', 'two', 'three']);
    await set.closeAll();
  });

  test('a port that is taken rejects with a code and a sentence, and the set goes on', async () => {
    const set = createUdpSet();
    const local = set.local(await set.bind(LOOPBACK));
    await assert.rejects(set.bind(local), (error: BindError) => {
      assert.equal(error.code, 'EADDRINUSE');
      assert.equal(
        error.message,
        `cannot listen on udp 127.0.0.1:${local.port}: another program has that port (EADDRINUSE)`,
      );
      return true;
    });
    await assert.rejects(set.bind({ address: '192.0.2.1', port: 0 }), { code: 'EADDRNOTAVAIL' });
    await assert.rejects(set.bind({ address: 'not-an-address', port: 0 }), BindError);
    await set.closeAll();
  });

  test('what cannot be sent is reported with its context, never thrown: bad port, too long, a name, a closed socket', async () => {
    const set = createUdpSet();
    const a = await set.bind(LOOPBACK);
    const failures: unknown[] = [];
    set.onSendError((_socket, _to, error, context) => failures.push([context, (error as NodeJS.ErrnoException).code]));
    set.send(a, 'x' as Octets, { address: '127.0.0.1', port: 0 }, 'port 0');
    set.send(a, 'x' as Octets, { address: '127.0.0.1', port: 70_000 }, 'port 70000');
    set.send(a, 'x'.repeat(70_000) as Octets, { address: '127.0.0.1', port: 9 }, 'too long');
    set.send(a, 'x' as Octets, { address: 'sip.example.test', port: 5060 }, 'a name');
    set.send(a, 'x' as Octets, { address: '::1', port: 5060 }, 'other family');
    set.send(99, 'x' as Octets, { address: '127.0.0.1', port: 9 }, 'no socket');
    while (failures.length < 6) await new Promise(setImmediate);
    assert.deepEqual(
      new Map(failures as [string, string][]),
      new Map([
        ['port 0', 'ERR_SOCKET_BAD_PORT'],
        ['port 70000', 'ERR_SOCKET_BAD_PORT'],
        ['too long', 'EMSGSIZE'],
        ['a name', 'EINVAL'],
        ['other family', 'EINVAL'],
        ['no socket', 'SEND_CLOSED'],
      ]),
    );
    assert.equal(set.counters().sendErrors, 6);
    await set.closeAll();
  });

  test('a port where nobody listens does no harm (ICMP port unreachable)', async () => {
    const set = createUdpSet();
    const a = await set.bind(LOOPBACK);
    const gone = createSocket('udp4').bind(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address();
    gone.close();
    await once(gone, 'close');
    const seen = watch(set);
    for (let i = 0; i < 3; i += 1) set.send(a, 'anybody?' as Octets, { address: '127.0.0.1', port });
    set.send(a, 'still here' as Octets, set.local(a));
    await seen.until(1);
    assert.deepEqual(seen.batches.flat(), ['still here']);
    await set.closeAll();
  });

  test('bytes are taken at the call: the caller may use their memory again', async () => {
    const set = createUdpSet();
    const a = await set.bind(LOOPBACK);
    const seen = watch(set);
    const memory = Uint8Array.of(0x61, 0x62);
    set.send(a, memory, set.local(a));
    memory.fill(0x7a);
    await seen.until(1);
    assert.deepEqual(seen.batches.flat(), ['ab']);
    await set.closeAll();
  });

  test('a receive buffer is asked for, and what the kernel gave can be read', async () => {
    const set = createUdpSet({ receiveBufferBytes: 64 * 1024 });
    const a = await set.bind(LOOPBACK);
    assert.ok(set.receiveBufferSize(a) >= 64 * 1024);
    await set.closeAll();
    assert.throws(() => set.local(a), RangeError);
  });
});
