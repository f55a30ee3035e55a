import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { type NatOptions, VirtualClock, type VirtualHost, VirtualNetwork } from './index.ts';

/** A UDP socket on port 5060 and what it hears, as `address:port text`. */
async function socketOn(host: VirtualHost) {
  const set = host.createUdpSet();
  const socket = await set.bind({ address: host.addresses[0] ?? '', port: 5060 });
  const log: string[] = [];
  set.onBatch((batch) => {
    for (const d of batch) log.push(`${d.address}:${d.port} ${String.fromCharCode(...d.bytes)}`);
  });
  const send = (text: string, address: string, port = 5060) => set.send(socket, text as Octets, { address, port });
  return { log, send };
}

async function rig(options: NatOptions = {}) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed: 1 });
  const nat = network.nat('home', '198.51.100.1', options);
  const phone = await socketOn(nat.host('phone', '10.0.0.5'));
  const server = await socketOn(network.host('server', '192.0.2.100'));
  const stranger = await socketOn(network.host('stranger', '192.0.2.66'));
  return { clock, network, nat, phone, server, stranger };
}

suite('virtual NAT', () => {
  test('RFC 4787 REQ-1 one outside port for all peers; answers come in, strangers do not (REQ-8)', async () => {
    const { clock, phone, server, stranger } = await rig();
    phone.send('one', '192.0.2.100');
    await clock.run(20);
    assert.deepEqual(server.log, ['198.51.100.1:20000 one']);
    server.send('answer', '198.51.100.1', 20_000);
    stranger.send('knock', '198.51.100.1', 20_000);
    await clock.run(20);
    assert.deepEqual(phone.log, ['192.0.2.100:5060 answer']);
    phone.send('two', '192.0.2.66');
    await clock.run(20);
    stranger.send('welcome', '198.51.100.1', 20_000);
    await clock.run(20);
    assert.deepEqual(stranger.log, ['198.51.100.1:20000 two']);
    assert.equal(phone.log.at(-1), '192.0.2.66:5060 welcome');
  });

  test('a symmetric one shows another port to each peer; an open one lets everybody in', async () => {
    const symmetric = await rig({ mapping: 'address-and-port-dependent' });
    symmetric.phone.send('x', '192.0.2.100');
    symmetric.phone.send('x', '192.0.2.66');
    await symmetric.clock.run(20);
    assert.deepEqual(
      [symmetric.server.log, symmetric.stranger.log],
      [['198.51.100.1:20000 x'], ['198.51.100.1:20001 x']],
    );
    const open = await rig({ filtering: 'endpoint-independent' });
    open.phone.send('x', '192.0.2.100');
    open.stranger.send('knock', '198.51.100.1', 20_000);
    await open.clock.run(20);
    open.stranger.send('knock', '198.51.100.1', 20_000);
    await open.clock.run(20);
    assert.equal(open.phone.log.at(-1), '192.0.2.66:5060 knock');
  });

  test('a mapping dies of silence from inside, and the next packet gets another port', async () => {
    const { clock, phone, server } = await rig({ udpMs: 30_000 });
    phone.send('one', '192.0.2.100');
    await clock.run(29_000);
    phone.send('keep-alive', '192.0.2.100');
    await clock.run(29_000);
    server.send('in time', '198.51.100.1', 20_000);
    await clock.run(2000);
    server.send('too late', '198.51.100.1', 20_000);
    await clock.run(100);
    assert.deepEqual(phone.log, ['192.0.2.100:5060 in time']);
    phone.send('again', '192.0.2.100');
    await clock.run(100);
    assert.equal(server.log.at(-1), '198.51.100.1:20001 again');
  });

  test('two behind one NAT speak directly; the same inside address behind another NAT is another host', async () => {
    const { clock, network, nat, phone } = await rig();
    const neighbour = await socketOn(nat.host('neighbour', '10.0.0.6'));
    const twin = await socketOn(network.nat('office', '198.51.100.2').host('twin', '10.0.0.5'));
    neighbour.send('hello', '10.0.0.5');
    await clock.run(20);
    assert.deepEqual([phone.log, twin.log], [['10.0.0.6:5060 hello'], []]);
  });

  test('TCP: the server sees the outside address, and answers over the connection', async () => {
    const { clock, network, nat } = await rig();
    const inside = nat.host('laptop', '10.0.0.7').createTcpSet();
    const heard: string[] = [];
    inside.onMessage((_flow, text) => heard.push(text));
    const outside = network.host('tcp', '192.0.2.101').createTcpSet();
    await outside.listen({ address: '192.0.2.101', port: 5060 });
    outside.onMessage((flow, text) => {
      heard.push(`${flow.remote.address}:${flow.remote.port} ${text}`);
      outside.send('answer' as Octets, { kind: 'flow', flow });
    });
    const remote = { address: '192.0.2.101', port: 5060 };
    inside.send('hello' as Octets, { kind: 'address', transport: 'tcp', remote });
    await clock.run(100);
    assert.deepEqual(heard, ['198.51.100.1:20000 hello', 'answer']);
    const failures: unknown[] = [];
    outside.onSendError((_to, error) => failures.push(error.message));
    outside.send('x' as Octets, { kind: 'address', transport: 'tcp', remote: { address: '198.51.100.1', port: 5060 } });
    await clock.run(10_000);
    assert.equal(failures.length, 1);
  });
});
