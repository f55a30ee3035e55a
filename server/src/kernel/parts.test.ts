import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Destination, fromBytes, octets, type TransportName } from '@strowger/proto';
import { Bounds } from './bounds.ts';
import { DialogTable } from './dialog-table.ts';
import { ALL_RIGHTS, ANONYMOUS, mayDo, RIGHT_OF_METHOD } from './principal.ts';
import { asModule, PHONE, Rig, startRig } from './rig.ts';
import { type ServiceKey, serviceKey } from './service-key.ts';
import { HostTransports } from './transports.ts';
import { destinationFor } from './way.ts';

suite('dialog table', () => {
  const owner = { principal: ANONYMOUS, request: () => undefined, ack() {}, stray() {} };

  test('a dialog is found by Call-ID and our tag, both; the bound is exact', () => {
    const bound = new Bounds().declare({ name: 'd', cap: 2, whenFull: '' });
    const table = new DialogTable(bound);
    assert.ok(table.add(octets`c1`, octets`t1`, owner));
    assert.ok(table.add(octets`c1`, octets`t2`, owner));
    assert.ok(table.add(octets`c1`, octets`t1`, owner), 'the same again takes no other place');
    assert.ok(!table.add(octets`c2`, octets`t1`, owner));
    assert.equal(table.find(octets`c2`, octets`t1`), undefined);
    assert.equal(table.find(octets`c1`, octets`t1`), owner);
    table.remove(octets`c1`, octets`t1`);
    table.remove(octets`c1`, octets`t1`);
    assert.deepEqual([table.size, bound.used], [1, 1]);
  });
});

suite('services', () => {
  const key: ServiceKey<number> = serviceKey('number');

  test('what a module provides it offers, and what it uses it needs', async () => {
    const provides = startRig({ modules: [asModule((context) => context.provide(key, 7))] });
    await assert.rejects(provides, /the module test provides number without offering it/);
    const uses = startRig({ modules: [asModule((context) => void context.use(key))] });
    await assert.rejects(uses, /the module test uses number without needing it/);
    const silent = asModule(() => {}, { name: 'silent', offers: [key] });
    const user = asModule((context) => void context.use(key), { needs: [key] });
    await assert.rejects(startRig({ modules: [user, silent] }), /number was offered but never provided/);
  });

  test('a feature that is not there is not found, and one that is can be used', async () => {
    let found: (number | undefined)[] = [];
    const giver = asModule((context) => context.provide(key, 7), { name: 'giver', offers: [key] });
    const asks = asModule((context) => {
      found = [context.find(key), context.find(serviceKey<number>('other'))];
    });
    await startRig({ modules: [giver, asks] });
    assert.deepEqual(found, [7, undefined]);
  });

  test('modules stop last first, and one that cannot stops nobody else', async () => {
    const stopped: string[] = [];
    const giver = asModule(
      (context) => {
        context.provide(key, 1);
        context.onStop(() => void stopped.push('giver'));
      },
      { name: 'giver', offers: [key] },
    );
    const user = asModule(
      (context) =>
        context.onStop(() => {
          stopped.push('user');
          throw new Error('no');
        }),
      { name: 'user', needs: [key] },
    );
    const rig = await startRig({ modules: [user, giver] });
    await rig.kernel.stop();
    assert.deepEqual(stopped, ['user', 'giver']);
    assert.deepEqual(rig.events(), ['module-stop-failed']);
  });

  test('a timer fires once, in its time; a stopped one never; one that throws harms nobody', async () => {
    const fired: string[] = [];
    const rig = await startRig({
      modules: [
        asModule((context) => {
          context.after(1000, () => void fired.push('second'));
          context.after(500, () => {
            fired.push('first');
            throw new Error('no');
          });
          context.after(700, () => void fired.push('never')).stop();
        }),
      ],
    });
    rig.advance(499);
    assert.deepEqual(fired, []);
    rig.advance(10_000);
    assert.deepEqual(fired, ['first', 'second']);
    assert.equal(rig.wheel.size, 0);
  });
});

suite('principals', () => {
  test('nobody may do nothing; the rest may what they have the right to', () => {
    assert.ok(!mayDo(ANONYMOUS, 'call'));
    const one = { kind: 'node', tenant: 't', rights: new Set(['call'] as const) } as const;
    assert.deepEqual([mayDo(one, 'call'), mayDo(one, 'register')], [true, false]);
    assert.ok([...Object.values(RIGHT_OF_METHOD)].every((right) => ALL_RIGHTS.has(right)));
  });
});

suite('the way to a device (RFC 3261 §8.1.2)', () => {
  const { sip } = new Rig().kernel;
  const tcp = { ...PHONE, transport: 'tcp' as const, connection: 3 };
  const portOf = (to: Destination | undefined) => (to?.kind === 'flow' ? to.flow.remote.port : to?.remote.port);

  test('UDP: by the flow, at the port its Contact names when nothing stands between', () => {
    const behindNat = destinationFor(octets`sip:a@10.0.0.1:5090`, { flow: PHONE, device: true }, sip);
    assert.deepEqual(behindNat, { kind: 'flow', flow: PHONE });
    assert.equal(portOf(destinationFor(octets`sip:a@198.51.100.7:5090`, { flow: PHONE, device: true }, sip)), 5090);
    assert.equal(portOf(destinationFor(octets`sip:a@198.51.100.7`, { flow: PHONE, device: true }, sip)), 5060);
    const byTcp = destinationFor(octets`sip:a@198.51.100.7:5071;transport=tcp`, { flow: PHONE, device: true }, sip);
    const remote = { address: '198.51.100.7', port: 5071 };
    assert.deepEqual(byTcp, { kind: 'address', transport: 'tcp', remote, near: PHONE.local });
  });

  test('a neighbour is where its URI says, if that is an address', () => {
    const way = { flow: PHONE, device: false };
    const remote = { address: '203.0.113.9', port: 5060 };
    assert.deepEqual(destinationFor(octets`sip:203.0.113.9`, way, sip), { kind: 'address', transport: 'udp', remote });
    assert.deepEqual(destinationFor(octets`sip:host.test`, way, sip), { kind: 'flow', flow: PHONE });
  });

  test('a stream while it lives, else a new one, but of a device to its own host alone; of a neighbour wherever its URI leads', () => {
    const way = { flow: tcp, device: true };
    assert.deepEqual(destinationFor(octets`sip:a@10.0.0.1;transport=tcp`, way, sip), { kind: 'flow', flow: tcp });
    const dead = { flow: { ...tcp, connection: -1 }, device: true };
    const remote = { address: '198.51.100.7', port: 5070 };
    const home = destinationFor(octets`sip:a@198.51.100.7:5070;transport=tcp`, dead, sip);
    assert.deepEqual(home, { kind: 'address', transport: 'tcp', remote });
    const elsewhere = octets`sip:a@10.0.0.1:22;transport=tcp`;
    assert.equal(destinationFor(elsewhere, dead, sip), undefined);
    assert.equal(portOf(destinationFor(elsewhere, { ...dead, device: false }, sip)), 22);
  });

  test('what is no address is not resolved, and above all not looked up', () => {
    for (const host of ['999.1.1.1', '1.2.3', '256.1.1.1', '1.2.3.4.5', 'host.test']) {
      assert.equal(sip.resolve(octets`sip:${octets`${host as never}`}`), undefined, host);
    }
    assert.equal(sip.resolve(octets`sip:1.2.3.4;transport=sctp`), undefined);
    assert.equal(sip.resolve(octets`tel:+3281`), undefined);
    assert.equal(portOf(sip.resolve(octets`sips:[2001:db8::1]`)), 5061);
  });

  test('RFC 7118 §5, RFC 3261 §19.1.2 the port that a URI leaves out is its transport’s', () => {
    const ports = ['udp', 'tcp', 'tls', 'ws', 'wss'].map((transport) =>
      portOf(sip.resolve(octets`sip:1.2.3.4;transport=${octets`${transport as never}`}`)),
    );
    assert.deepEqual(ports, [5060, 5060, 5061, 80, 443]);
  });

  test('Contact leads back by the transport and family it goes out by', () => {
    const to = (transport: TransportName): Destination => ({ kind: 'flow', flow: { ...tcp, transport } });
    assert.equal(sip.contact(octets`u`, to('tcp')), '<sip:u@192.0.2.1:5060;transport=tcp>');
    assert.equal(sip.contact(octets`u`, { kind: 'flow', flow: PHONE }), '<sip:u@192.0.2.1:5060>');
  });
});

suite('transports', () => {
  /** Sockets that note what they are asked. */
  function rig() {
    const log: string[] = [];
    const failed: unknown[] = [];
    let receive: (batch: readonly unknown[]) => void = () => {};
    const udp = {
      bind: async ({ port }: { port: number }) => port,
      local: (socket: number) => ({ address: '192.0.2.1', port: socket }),
      onBatch: (handler: typeof receive) => {
        receive = handler;
      },
      onSendError() {},
      send: (socket: number, text: string, to: { address: string; port: number }) =>
        void log.push(`udp ${socket} → ${to.address}:${to.port} ${text}`),
      closeAll: async () => void log.push('udp closed'),
    };
    const transports = new HostTransports({ udp: udp as never, streams: [], toOctets: fromBytes });
    transports.onSendFailed((ticket) => void failed.push(ticket));
    return { log, failed, transports, receive: (batch: readonly unknown[]) => receive(batch) };
  }

  test('a datagram comes with its flow, and an answer leaves by the socket it came to', async () => {
    const { log, transports, receive } = rig();
    await transports.listen('udp', { address: '192.0.2.1', port: 5060 });
    await transports.listen('udp', { address: '192.0.2.1', port: 5070 });
    transports.onMessage((text, flow) => transports.send(text, { kind: 'flow', flow }, undefined, 1));
    receive([{ socket: 5070, bytes: new Uint8Array([79, 75]), address: '198.51.100.7', port: 9 }]);
    receive([{ socket: 4, bytes: new Uint8Array([79, 75]), address: '198.51.100.7', port: 9 }]);
    assert.deepEqual(log, ['udp 5070 → 198.51.100.7:9 OK']);
  });

  test('what cannot be sent comes back by its ticket: no such transport, no such listener', async () => {
    const { failed, transports } = rig();
    await transports.listen('udp', { address: '192.0.2.1', port: 5060 });
    const remote = { address: '198.51.100.7', port: 5060 };
    transports.send(octets`x`, { kind: 'address', transport: 'tls', remote }, undefined, 'tls');
    transports.send(octets`x`, { kind: 'address', transport: 'udp', remote }, undefined, 'no listener');
    const gone = { ...PHONE, local: { address: '192.0.2.1', port: 1 } };
    transports.send(octets`x`, { kind: 'flow', flow: gone }, undefined, 'gone');
    assert.deepEqual(failed, ['tls', 'no listener', 'gone']);
    await assert.rejects(transports.listen('tls', remote), /this host has no tls/);
  });

  test('a UDP flow is always open, one of a stream nobody has never', () => {
    const { transports } = rig();
    assert.deepEqual(
      [transports.isLive(PHONE), transports.isLive({ ...PHONE, transport: 'tcp', connection: 1 })],
      [true, false],
    );
  });
});
