import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import type { Destination, Flow, Octets, SocketAddress, StreamSet } from '@strowger/proto';
import { networkOf } from './admission.ts';
import type { StreamOptions } from './streams.ts';
import { createTcpSet } from './tcp.ts';

const message = (name: string, body = '') =>
  `MESSAGE sip:${name}@example.test SIP/2.0\r\nContent-Length: ${body.length}\r\n\r\n${body}` as Octets;
const nameOf = (text: Octets) => /sip:([^@]*)/.exec(text)?.[1];
const to = (remote: SocketAddress): Destination => ({ kind: 'address', transport: 'tcp', remote });
const over = (flow: Flow): Destination => ({ kind: 'flow', flow });

interface Rig {
  readonly set: StreamSet;
  readonly local: SocketAddress;
  readonly log: string[];
  readonly flows: Flow[];
  until(...lines: readonly string[]): Promise<void>;
}

/** A set that listens, and a log of what happens to it. */
async function rig(t: TestContext, options: StreamOptions = {}, address = '127.0.0.1'): Promise<Rig> {
  const set = createTcpSet(options);
  const log: string[] = [];
  const flows: Flow[] = [];
  let wake = () => {};
  const note = (line: string) => {
    log.push(line);
    wake();
  };
  set.onMessage((flow, text) => {
    flows.push(flow);
    note(`${nameOf(text)} on ${flow.connection}`);
  });
  set.onClosed((flow, reason) => note(`closed ${flow.connection} ${reason}`));
  set.onSendError((_to, error, context) => note(`failed ${context} ${(error as { code?: string }).code}`));
  const local = set.local(await set.listen({ address, port: 0 }));
  t.after(() => set.closeAll());
  return {
    set,
    local,
    log,
    flows,
    until: (...lines) =>
      new Promise((resolve) => {
        wake = () => lines.every((line) => log.includes(line)) && resolve();
        wake();
      }),
  };
}

/** A peer that is only a socket. */
async function raw(t: TestContext, { address, port }: SocketAddress): Promise<Socket> {
  const socket = connect({ host: address, port });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

suite('TCP', () => {
  for (const address of ['127.0.0.1', '::1']) {
    test(`${address}: connects on sending, is used again, and answers go back over the same connection`, async (t) => {
      const a = await rig(t, {}, address);
      const b = await rig(t, {}, address);
      const sent: unknown[] = [];
      a.set.onSent((flow, context) => sent.push([flow.connection, context]));
      assert.equal(a.set.send(message('one'), to(b.local), 'first'), undefined);
      a.set.send(message('two', 'body \x00\xff'), to(b.local));
      await b.until('one on 1', 'two on 1');
      const [flow] = b.flows;
      assert.ok(flow);
      assert.deepEqual([flow.transport, flow.local, flow.connection], ['tcp', b.local, 1]);
      assert.equal(b.set.send(message('answer'), over(flow)), flow);
      await a.until('answer on 1');
      assert.deepEqual(a.flows[0], { transport: 'tcp', local: flow.remote, remote: b.local, connection: 1 });
      // RFC 3261 §18: found by the far end's address, whoever opened it.
      b.set.send(message('back'), to(flow.remote));
      await a.until('back on 1');
      assert.deepEqual([a.set.counters().connected, b.set.counters().accepted, b.set.counters().sent], [1, 1, 2]);
    });
  }

  test('RFC 3261 §18.3 a message in single octets, and three messages in one piece', async (t) => {
    const a = await rig(t);
    const socket = await raw(t, a.local);
    socket.setNoDelay(true);
    for (const char of message('slow', 'x')) {
      socket.write(char, 'latin1');
      await new Promise(setImmediate);
    }
    socket.write(message('x') + message('y', 'body') + message('z'), 'latin1');
    await a.until('z on 1');
    assert.deepEqual(a.log, ['slow on 1', 'x on 1', 'y on 1', 'z on 1']);
  });

  test('RFC 5626 §3.5.1 a double CRLF is answered with a single one', async (t) => {
    const a = await rig(t);
    const socket = await raw(t, a.local);
    socket.write('\r\n\r\n');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    assert.equal(bytes.toString('latin1'), '\r\n');
    assert.equal(a.set.counters().pings, 1);
    assert.deepEqual(a.log, []);
  });

  test('nobody listens: each message is reported with its context, and the next try is a new connection', async (t) => {
    const a = await rig(t);
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as { port: number };
    gone.close();
    await once(gone, 'close');
    const there = to({ address: '127.0.0.1', port });
    a.set.send(message('x'), there, 1);
    a.set.send(message('x'), there, 2);
    await a.until('failed 1 SEND_CONNECT', 'failed 2 SEND_CONNECT');
    a.set.send(message('x'), there, 3);
    await a.until('failed 3 SEND_CONNECT');
    assert.deepEqual([a.set.counters().connectErrors, a.set.counters().sendErrors], [2, 3]);
    assert.equal(a.log.length, 3);
  });

  test('what cannot be dialled is reported, not thrown: a name, a bad port, a connection that is gone', async (t) => {
    const a = await rig(t);
    a.set.send(message('x'), to({ address: 'sip.example.test', port: 5060 }), 'name');
    a.set.send(message('x'), to({ address: '127.0.0.1', port: 70_000 }), 'port');
    const local = { address: '127.0.0.1', port: 1 };
    a.set.send(message('x'), over({ transport: 'tcp', local, remote: local, connection: 77 }), 'flow');
    assert.deepEqual(a.log, []);
    await a.until('failed name SEND_CONNECT', 'failed port SEND_CONNECT', 'failed flow SEND_CLOSED');
    assert.equal(a.set.isLive(77), false);
  });

  test('the peer closes: told once, and numbers are never used again', async (t) => {
    const a = await rig(t);
    for (const [i, n] of ['1', '2'].entries()) {
      const socket = await raw(t, a.local);
      socket.write(message('x'), 'latin1');
      await a.until(`x on ${n}`);
      assert.ok(a.set.isLive(i + 1));
      socket.end();
      await a.until(`closed ${n} peer`);
    }
    const socket = await raw(t, a.local);
    socket.write(message('x'), 'latin1');
    await a.until('x on 3');
    socket.resetAndDestroy();
    await a.until('closed 3 error');
    assert.equal(a.set.counters().connections, 0);
  });

  test('our close lets what was sent leave first', async (t) => {
    const a = await rig(t);
    const socket = await raw(t, a.local);
    socket.write(message('x'), 'latin1');
    await a.until('x on 1');
    const [flow] = a.flows;
    assert.ok(flow);
    let got = '';
    socket.on('data', (bytes: Buffer) => {
      got += bytes.toString('latin1');
    });
    const long = message('long', 'y'.repeat(300_000));
    a.set.send(long, over(flow));
    a.set.close(1);
    assert.equal(a.set.isLive(1), false);
    await a.until('closed 1 local');
    if (!socket.readableEnded) await once(socket, 'end');
    assert.equal(got.length, long.length);
  });

  test('what cannot be cut into messages closes the connection, after the messages before it', async (t) => {
    const a = await rig(t);
    const socket = await raw(t, a.local);
    socket.write(`${message('good')}MESSAGE sip:x SIP/2.0\r\nNo-Length: here\r\n\r\n`, 'latin1');
    await a.until('closed 1 broken');
    assert.deepEqual(a.log, ['good on 1', 'closed 1 broken']);
  });

  test('a stranger who says nothing, or never finishes, or falls silent, is closed', async (t) => {
    const a = await rig(t, { firstMessageMs: 30, messageMs: 50, idleMs: 80 });
    await raw(t, a.local);
    await a.until('closed 1 silent');
    const slow = await raw(t, a.local);
    slow.write(`${message('x')}MESSAGE sip:`, 'latin1');
    const drip = setInterval(() => slow.write('a'), 10);
    await a.until('closed 2 slow');
    clearInterval(drip);
    const idle = await raw(t, a.local);
    idle.write(message('x'), 'latin1');
    await a.until('closed 3 idle');
    assert.deepEqual(a.log, ['closed 1 silent', 'x on 2', 'closed 2 slow', 'x on 3', 'closed 3 idle']);
  });

  test('a peer that does not read is closed when its buffer is full, and what waited is reported', async (t) => {
    const a = await rig(t, { maxOutbound: 200_000 });
    const socket = await raw(t, a.local);
    socket.pause();
    socket.write(message('x'), 'latin1');
    await a.until('x on 1');
    const [flow] = a.flows;
    assert.ok(flow);
    for (let i = 0; a.set.isLive(1) && i < 1000; i += 1) {
      a.set.send(message('flood', 'y'.repeat(50_000)), over(flow), i);
      await new Promise(setImmediate);
    }
    await a.until('closed 1 congested');
    assert.ok(
      a.log.some((line) => line.endsWith('SEND_QUEUE_FULL')),
      a.log.join('\n'),
    );
    assert.equal(a.set.counters().buffered, 0);
  });

  test('what all connections hold is bounded: those that hold more than their share are closed first', async (t) => {
    const a = await rig(t, { maxBuffered: 10_000, crowdedShare: 2000 });
    const begin = (length: number) => `MESSAGE sip:x SIP/2.0\r\nContent-Length: 99999\r\n\r\n${'y'.repeat(length)}`;
    const small = await raw(t, a.local);
    small.write(begin(500));
    const large = await raw(t, a.local);
    large.write(begin(6000));
    while (a.set.counters().buffered < 6500) await new Promise(setImmediate);
    assert.deepEqual(a.log, []);
    const last = await raw(t, a.local);
    last.write(begin(5000));
    await a.until('closed 3 crowded');
    large.write('y');
    assert.ok(a.set.counters().buffered < 10_000);
    small.destroy();
    large.destroy();
    await a.until('closed 1 peer', 'closed 2 peer');
    assert.equal(a.set.counters().buffered, 0);
  });

  test('connections are bounded, in total and for each address', async (t) => {
    const perAddress = await rig(t, { maxPerAddress: 2 });
    const total = await rig(t, { maxConnections: 1 });
    for (const { set, local, until } of [perAddress, total]) {
      const sockets = [await raw(t, local), await raw(t, local), await raw(t, local)];
      for (const socket of sockets) socket.write(message('x'), 'latin1');
      const allowed = set === perAddress.set ? 2 : 1;
      await until(...['x on 1', 'x on 2'].slice(0, allowed));
      while (set.counters().refused < 3 - allowed) await new Promise(setImmediate);
      assert.equal(set.counters().connections, allowed);
      // A place that is given back can be taken.
      sockets[0]?.destroy();
      while (set.counters().connections === allowed) await new Promise(setImmediate);
      (await raw(t, local)).write(message('again'), 'latin1');
      await until(`again on ${allowed + 1}`);
    }
    const blocked = await rig(t, { maxConnections: 0 });
    blocked.set.send(message('x'), to(total.local), 'x');
    await blocked.until('failed x SEND_LIMIT');
  });

  test('an IPv6 subscriber is its /64', () => {
    const cases: readonly (readonly [address: string, network: string])[] = [
      ['192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
      ['2001:db8::1', '2001:db8:0:0'],
      ['::1', '0:0:0:0'],
      ['fe80::', 'fe80:0:0:0'],
      ['2001:db8:1:2::', '2001:db8:1:2'],
    ];
    for (const [address, network] of cases) assert.equal(networkOf(address), network);
  });

  test('a port that is taken rejects with a code; unlisten frees it and leaves connections alone', async (t) => {
    const a = await rig(t);
    const b = createTcpSet();
    t.after(() => b.closeAll());
    await assert.rejects(b.listen(a.local), { code: 'EADDRINUSE' });
    const socket = await raw(t, a.local);
    socket.write(message('x'), 'latin1');
    await a.until('x on 1');
    a.set.unlisten(1);
    await b.listen(a.local);
    socket.write(message('y'), 'latin1');
    await a.until('y on 1');
  });
});
