import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Destination, type Flow, type Octets, octets, type TransportName } from '@strowger/proto';
import { parseHeader } from '../message/header.ts';
import { type Via, via } from '../message/headers/via.ts';
import { chooseLocal, type Local } from './local.ts';
import { reconnect, responseDestination } from './reply.ts';
import { markReceived, OurNames, ourVia } from './via.ts';

const read = (text: string): Via => {
  const value = parseHeader(via, text as Octets);
  assert.ok(value.ok, text);
  return value.value;
};

const local = (transport: TransportName, address: string, port = 5060): Local => ({
  transport,
  address: { address, port },
});

const flow = (transport: TransportName, near: string, far: string, port = 40_000, connection?: number): Flow => ({
  transport,
  local: { address: near, port: 5060 },
  remote: { address: far, port },
  ...(connection === undefined ? {} : { connection }),
});

const to = (transport: TransportName, address: string): Destination => ({
  kind: 'address',
  transport,
  remote: { address, port: 5060 },
});

suite('transport: where packets leave and what they are called', () => {
  const locals = [
    local('udp', '127.0.0.1'),
    local('udp', '192.0.2.1'),
    local('tcp', '192.0.2.1'),
    local('udp', '::1'),
    local('udp', '2001:db8::1'),
  ];

  test('a listener of the same transport and family; loopback speaks to loopback', () => {
    const chosen = (target: Destination) => chooseLocal(locals, target)?.address.address;
    assert.equal(chosen(to('udp', '127.0.0.9')), '127.0.0.1');
    assert.equal(chosen(to('udp', '203.0.113.1')), '192.0.2.1');
    assert.equal(chosen(to('udp', '2001:db8::2')), '2001:db8::1');
    assert.equal(chosen(to('udp', '::1')), '::1');
    assert.equal(chosen(to('tcp', '2001:db8::2')), undefined);
    assert.equal(chosen(to('tls', '192.0.2.2')), undefined);
  });

  test('a flow has the listener it came to, an outgoing connection the one of its transport', () => {
    const over = (f: Flow) => chooseLocal(locals, { kind: 'flow', flow: f });
    assert.equal(over(flow('udp', '192.0.2.1', '127.0.0.1')), locals[1]);
    assert.equal(
      over({ ...flow('tcp', '192.0.2.1', '192.0.2.2', 5060, 7), local: { address: '192.0.2.1', port: 51_000 } }),
      locals[2],
    );
    const any = [local('udp', '0.0.0.0', 5062), local('udp', '0.0.0.0', 5060)];
    assert.equal(chooseLocal(any, { kind: 'flow', flow: flow('udp', '192.0.2.1', '192.0.2.2') }), any[1]);
  });

  test('RFC 3581 §3 our Via always asks for rport; IPv6 in brackets; a wildcard takes the flow’s address', () => {
    const branch = octets`z9hG4bK1`;
    const [, v4, , , v6] = locals;
    assert.ok(v4 && v6);
    assert.equal(ourVia(v4, to('udp', '192.0.2.2'), branch), 'SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1');
    assert.equal(ourVia(v6, to('udp', '2001:db8::2'), branch), 'SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=z9hG4bK1');
    const wss: Local = { ...local('wss', '192.0.2.1', 8443), sentBy: { host: 'sip.example.test' } };
    assert.equal(ourVia(wss, to('wss', '192.0.2.2'), branch), 'SIP/2.0/WSS sip.example.test;rport;branch=z9hG4bK1');
    const wildcard = ourVia(
      local('udp', '0.0.0.0'),
      { kind: 'flow', flow: flow('udp', '192.0.2.1', '192.0.2.9') },
      branch,
    );
    assert.equal(wildcard, 'SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1');
  });
});

suite('transport: the peer’s Via', () => {
  const marked = (text: string, f: Flow) => {
    const value = markReceived(read(text), f);
    return value && via.format(value);
  };

  test('RFC 3261 §18.2.1 received where the host is a name or another address, nothing where it is the source', () => {
    assert.equal(marked('SIP/2.0/UDP 192.0.2.2;branch=b', flow('udp', '192.0.2.1', '192.0.2.2')), undefined);
    assert.equal(marked('SIP/2.0/UDP [2001:db8::2];branch=b', flow('udp', '2001:db8::1', '2001:db8::2')), undefined);
    for (const host of ['pc.example.test', '10.0.0.1', '[2001:db8::9]']) {
      assert.equal(
        marked(`SIP/2.0/UDP ${host};branch=b`, flow('udp', '192.0.2.1', '192.0.2.2')),
        `SIP/2.0/UDP ${host};branch=b;received=192.0.2.2`,
      );
    }
  });

  test('RFC 3581 §4 with rport both are said, and what the peer claims is overwritten', () => {
    const f = flow('udp', '192.0.2.1', '192.0.2.2', 40_000);
    assert.equal(
      marked('SIP/2.0/UDP 192.0.2.2;rport;branch=b', f),
      'SIP/2.0/UDP 192.0.2.2;rport=40000;branch=b;received=192.0.2.2',
    );
    assert.equal(
      marked('SIP/2.0/UDP h;received=6.6.6.6;rport=66;branch=b', f),
      'SIP/2.0/UDP h;received=192.0.2.2;rport=40000;branch=b',
    );
    assert.equal(marked('SIP/2.0/UDP 192.0.2.2;received=6.6.6.6;branch=b', f), 'SIP/2.0/UDP 192.0.2.2;branch=b');
  });

  test('RFC 3261 §18.2.2 a response goes to the source address, never where a Via alone points', () => {
    const remote = (text: string, f: Flow) => {
      const destination = responseDestination(read(text), f);
      return destination.kind === 'flow' ? destination.flow.remote : undefined;
    };
    const f = flow('udp', '192.0.2.1', '192.0.2.2', 40_000);
    assert.deepEqual(remote('SIP/2.0/UDP victim.example:99;maddr=6.6.6.6;branch=b', f), {
      address: '192.0.2.2',
      port: 99,
    });
    assert.deepEqual(remote('SIP/2.0/UDP 192.0.2.2;branch=b', f), { address: '192.0.2.2', port: 5060 });
    assert.deepEqual(remote('SIP/2.0/UDP 192.0.2.2:0;branch=b', f), { address: '192.0.2.2', port: 5060 });
    assert.deepEqual(remote('SIP/2.0/UDP 192.0.2.2;rport;branch=b', f), f.remote);
    const stream = flow('tcp', '192.0.2.1', '192.0.2.2', 40_000, 3);
    assert.deepEqual(responseDestination(read('SIP/2.0/TCP h:99;branch=b'), stream), { kind: 'flow', flow: stream });
    assert.deepEqual(reconnect(stream, 5070), {
      kind: 'address',
      transport: 'tcp',
      remote: { address: '192.0.2.2', port: 5070 },
    });
    assert.equal(reconnect({ ...stream, transport: 'ws' }, 80), undefined);
  });

  test('RFC 3261 §18.1.2 our own name is known by each listener’s address, what it is called, and the flow’s', () => {
    const names = new OurNames([
      { ...local('udp', '0.0.0.0'), sentBy: { host: 'SIP.example.test', port: 5060 } },
      local('tcp', '192.0.2.1', 5070),
    ]);
    const f = flow('udp', '192.0.2.1', '192.0.2.2');
    assert.ok(names.has(read('SIP/2.0/UDP sip.EXAMPLE.test;branch=b'), f));
    assert.ok(names.has(read('SIP/2.0/UDP 192.0.2.1:5060;branch=b'), f));
    assert.ok(names.has(read('SIP/2.0/TCP 192.0.2.1:5070;branch=b'), { ...f, transport: 'tcp' }));
    assert.ok(!names.has(read('SIP/2.0/UDP 192.0.2.1:9;branch=b'), f));
    assert.ok(!names.has(read('SIP/2.0/UDP other.example;branch=b'), f));
  });
});
