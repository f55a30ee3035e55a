import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Datagram, Destination, Octets, SocketAddress } from '@strowger/proto';
import { formatLadder, type LinkConditions, VirtualClock, type VirtualHost, VirtualNetwork } from './index.ts';

const text = (value: string) => value as Octets;

function rig(seed = 1, conditions: Partial<LinkConditions> = {}) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed, conditions });
  const a = network.host('a', '192.0.2.1', '2001:db8::1');
  const b = network.host('b', '192.0.2.2', '2001:db8::2');
  return { clock, network, a, b };
}

/** A UDP socket that notes what comes, as `time text`. */
async function listener(host: VirtualHost, local: SocketAddress) {
  const set = host.createUdpSet();
  const socket = await set.bind(local);
  const log: string[] = [];
  const batches: number[] = [];
  set.onBatch((batch: readonly Datagram[]) => {
    batches.push(batch.length);
    for (const d of batch) log.push(`${host.clock.now()} ${d.address}:${d.port} ${String.fromCharCode(...d.bytes)}`);
  });
  const send = (value: string, to: SocketAddress) => set.send(socket, text(value), to);
  return { set, socket, log, batches, send };
}

suite('virtual network: UDP', () => {
  test('a datagram takes the delay of its link, both families, and wildcard sockets hear it', async () => {
    const { clock, a, b } = rig();
    const one = await listener(a, { address: '0.0.0.0', port: 5060 });
    const two = await listener(b, { address: '192.0.2.2', port: 0 });
    const six = await listener(b, { address: '::', port: 5060 });
    const sixth = await listener(a, { address: '2001:db8::1', port: 0 });
    two.send('hello', { address: '192.0.2.1', port: 5060 });
    sixth.send('six', { address: '2001:db8::2', port: 5060 });
    await clock.run(100);
    assert.deepEqual(one.log, ['10 192.0.2.2:49152 hello']);
    assert.deepEqual(six.log, ['10 2001:db8::1:49152 six']);
  });

  test('what arrives in one moment is one batch', async () => {
    const { clock, a, b } = rig();
    const one = await listener(a, { address: '192.0.2.1', port: 5060 });
    const two = await listener(b, { address: '192.0.2.2', port: 5060 });
    for (const value of ['x', 'y', 'z']) two.send(value, { address: '192.0.2.1', port: 5060 });
    await clock.run(100);
    assert.deepEqual(one.batches, [3]);
  });

  test('ports: taken, foreign, and free again after closing', async () => {
    const { a } = rig();
    const { set, socket } = await listener(a, { address: '192.0.2.1', port: 5060 });
    await assert.rejects(set.bind({ address: '192.0.2.1', port: 5060 }), { code: 'EADDRINUSE' });
    await assert.rejects(set.bind({ address: '192.0.2.9', port: 5060 }), { code: 'EADDRNOTAVAIL' });
    set.close(socket);
    assert.equal(await set.bind({ address: '192.0.2.1', port: 5060 }), socket + 1);
  });

  test('what a kernel would refuse is refused', async () => {
    const { clock, a } = rig();
    const { set, socket } = await listener(a, { address: '192.0.2.1', port: 5060 });
    const errors: unknown[] = [];
    set.onSendError((_socket, _to, error, context) => errors.push([context, (error as { code?: string }).code]));
    set.send(socket, text('x'), { address: '192.0.2.2', port: 0 }, 1);
    set.send(socket, text('x'), { address: '::1', port: 1 }, 2);
    set.send(socket, text('x'), { address: 'b.example.test', port: 1 }, 3);
    set.send(socket, text('x'.repeat(70_000)), { address: '192.0.2.2', port: 1 }, 4);
    set.send(99, text('x'), { address: '192.0.2.2', port: 1 }, 5);
    await clock.run(1);
    assert.deepEqual(errors, [
      [1, 'ERR_SOCKET_BAD_PORT'],
      [2, 'EINVAL'],
      [3, 'EINVAL'],
      [4, 'EMSGSIZE'],
      [5, 'SEND_CLOSED'],
    ]);
  });

  test('loss, duplication and reordering come in their shares, and one seed is one run', async () => {
    const run = async (seed: number) => {
      const { clock, network, a, b } = rig(seed, { loss: 0.2, duplicate: 0.1, reorder: 0.1, jitterMs: 5 });
      const one = await listener(a, { address: '192.0.2.1', port: 5060 });
      const two = await listener(b, { address: '192.0.2.2', port: 5060 });
      for (let i = 0; i < 1000; i += 1) {
        two.send(`${i}`, { address: '192.0.2.1', port: 5060 });
        await clock.run(10);
      }
      await clock.run(1000);
      const numbers = one.log.map((line) => Number(line.split(' ')[2]));
      const unique = new Set(numbers);
      const passed = numbers.filter((n, i) => n < Math.max(...numbers.slice(Math.max(0, i - 20), i))).length;
      assert.ok(Math.abs(1000 - unique.size - 200) < 60, `lost ${1000 - unique.size}`);
      assert.ok(Math.abs(numbers.length - unique.size - 80) < 45, `twice ${numbers.length - unique.size}`);
      assert.ok(passed > 30, `reordered ${passed}`);
      assert.equal(network.packets.filter((p) => p.fate === 'lost').length, 1000 - unique.size);
      return one.log;
    };
    const first = await run(42);
    assert.deepEqual(await run(42), first);
    assert.notDeepEqual(await run(43), first);
  });

  test('without reordering, jitter never lets one packet pass another', async () => {
    const { clock, a, b } = rig(5, { jitterMs: 100 });
    const one = await listener(a, { address: '192.0.2.1', port: 5060 });
    const two = await listener(b, { address: '192.0.2.2', port: 5060 });
    for (let i = 0; i < 200; i += 1) {
      two.send(`${i}`, { address: '192.0.2.1', port: 5060 });
      await clock.run(3);
    }
    await clock.run(1000);
    assert.deepEqual(
      one.log.map((line) => Number(line.split(' ')[2])),
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  test('a cut link, a dropped packet, and a port where nobody listens, in the ladder', async () => {
    const { clock, network, a, b } = rig();
    const one = await listener(a, { address: '192.0.2.1', port: 5060 });
    const two = await listener(b, { address: '192.0.2.2', port: 5060 });
    network.drop((p) => p.text.startsWith('OPTIONS'));
    two.send('OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n', { address: '192.0.2.1', port: 5060 });
    two.send('OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n', { address: '192.0.2.1', port: 5060 });
    await clock.run(20);
    network.cut('a', 'b');
    one.send('SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n\r\n', { address: '192.0.2.2', port: 5060 });
    await clock.run(20);
    network.mend('a', 'b');
    one.send('\r\n\r\n', { address: '192.0.2.2', port: 9 });
    one.send('\x00\x01', { address: '203.0.113.9', port: 9 });
    await clock.run(20);
    assert.equal(
      formatLadder(network.packets),
      [
        '          b               a               203.0.113.9',
        '   0.000  |--------------x|               |  OPTIONS sip:a SIP/2.0  (1 OPTIONS)  [dropped]',
        '   0.000  |-------------->|               |  OPTIONS sip:a SIP/2.0  (1 OPTIONS)',
        '   0.020  |x--------------|               |  SIP/2.0 200 OK  (1 OPTIONS)  [lost]',
        '   0.040  |x--------------|               |  4 octets  [refused]',
        '   0.040  |               |--------------x|  2 octets  [refused]',
      ].join('\n'),
    );
  });

  test('a crash: what was queued does not leave, and the next life may bind the port', async () => {
    const { clock, network, a, b } = rig();
    const one = await listener(a, { address: '192.0.2.1', port: 5060 });
    const two = await listener(b, { address: '192.0.2.2', port: 5060 });
    one.send('left', { address: '192.0.2.2', port: 5060 });
    await clock.run(1);
    one.send('queued', { address: '192.0.2.2', port: 5060 });
    a.crash();
    await clock.run(20);
    assert.deepEqual(two.log, ['10 192.0.2.1:5060 left']);
    const again = await listener(a, { address: '192.0.2.1', port: 5060 });
    two.send('welcome back', { address: '192.0.2.1', port: 5060 });
    await clock.run(20);
    assert.deepEqual(again.log, ['31 192.0.2.2:5060 welcome back']);
    assert.deepEqual(one.log, []);
    assert.equal(network.packets.length, 2);
  });
});

/** A stream set that notes what happens. */
async function streams(host: VirtualHost, port?: number) {
  const set = host.createTcpSet();
  const log: string[] = [];
  const flows: Destination[] = [];
  set.onMessage((flow, message) => {
    flows.push({ kind: 'flow', flow });
    log.push(`${host.clock.now()} ${message} on ${flow.connection}`);
  });
  set.onClosed((flow, reason) => log.push(`${host.clock.now()} closed ${flow.connection} ${reason}`));
  set.onSendError((_to, error, context) =>
    log.push(`${host.clock.now()} ${(error as { code?: string }).code} ${context}`),
  );
  if (port !== undefined) await set.listen({ address: '0.0.0.0', port });
  return { set, log, flows };
}

suite('virtual network: streams', () => {
  const server: Destination = { kind: 'address', transport: 'tcp', remote: { address: '192.0.2.2', port: 5060 } };

  test('connects, keeps its order over a lossy link, is used again, answers over the same flow, and closes', async () => {
    const { clock, a, b } = rig(9, { loss: 0.3, jitterMs: 50 });
    const client = await streams(a);
    const listening = await streams(b, 5060);
    for (let i = 0; i < 20; i += 1) client.set.send(text(`${i}`), server);
    await clock.run(200_000);
    assert.deepEqual(
      listening.log.map((line) => line.split(' ')[1]),
      Array.from({ length: 20 }, (_, i) => `${i}`),
    );
    assert.equal(listening.set.counters().accepted, 1);
    const [flow] = listening.flows;
    assert.ok(flow?.kind === 'flow');
    assert.deepEqual(listening.set.send(text('answer'), flow), flow.flow);
    await clock.run(200_000);
    assert.match(client.log[0] ?? '', /answer on 1/);
    client.set.close(1);
    await clock.run(200_000);
    assert.match(listening.log.at(-1) ?? '', /closed 1 peer/);
    assert.equal(listening.set.isLive(1), false);
    listening.set.send(text('late'), flow, 'late');
    await clock.run(1);
    assert.match(listening.log.at(-1) ?? '', /SEND_CLOSED late/);
  });

  test('nobody listens: refused after a round trip; nobody there: timed out', async () => {
    const { clock, a } = rig();
    const client = await streams(a);
    client.set.send(text('x'), server, 'port');
    client.set.send(text('x'), { ...server, remote: { address: '203.0.113.1', port: 1 } }, 'host');
    await clock.run(10_000);
    assert.deepEqual(client.log, ['20 SEND_CONNECT port', '5000 SEND_CONNECT_TIMEOUT host']);
    assert.equal(client.set.counters().connections, 0);
  });

  test('a crash closes connections at the peers', async () => {
    const { clock, a, b } = rig();
    const client = await streams(a);
    const listening = await streams(b, 5060);
    client.set.send(text('x'), server);
    await clock.run(100);
    b.crash();
    await clock.run(100);
    assert.deepEqual(client.log, ['110 closed 1 peer']);
    assert.deepEqual(listening.log, ['30 x on 1']);
    client.set.send(text('x'), server, 'again');
    await clock.run(100);
    assert.equal(client.log.at(-1), '220 SEND_CONNECT again');
  });
});
