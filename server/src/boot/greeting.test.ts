import assert from 'node:assert/strict';
import { mkdtempDisposableSync, readFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, suite, test } from 'node:test';
import type { SocketAddress, TransportName } from '@strowger/proto';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { HostTransports } from '../kernel/transports.ts';
import { openDataFolder } from './data-folder.ts';
import { demoPeople } from './demo.ts';
import { type Greeting, greet } from './greeting.ts';
import { openListeners } from './listeners.ts';
import type { SignallingReady } from './messages.ts';

function configOf(text: string): Config {
  const read = parseConfig(text, { hostname: 'box' });
  assert.ok(read.ok);
  return read.config;
}

const at = (address: string, transport: TransportName = 'udp') => ({ transport, address: { address, port: 5060 } });

/** What it prints. */
function printed(o: Partial<Greeting> & { readonly ready?: Partial<SignallingReady> } = {}): string {
  const log = mock.method(console, 'log', () => {});
  greet({
    config: configOf('domain: example.test'),
    demo: [],
    hadDemo: false,
    folder: { paths: { root: '/srv/data' }, created: false } as Greeting['folder'],
    fingerprint: 'AA:BB',
    ...o,
    ready: {
      kind: 'ready',
      listening: [at('127.0.0.1')],
      skipped: [],
      generated: [],
      bindings: 0,
      calls: 0,
      ...o.ready,
    },
  });
  const text = log.mock.calls.map(({ arguments: [line] }) => String(line)).join('\n');
  log.mock.restore();
  return text;
}

suite('greeting', () => {
  test('where it listens, and what it could not', () => {
    const listening = [at('::1'), at('127.0.0.1'), at('192.0.2.7'), at('192.0.2.7', 'tcp')];
    const text = printed({ ready: { listening, skipped: [{ listener: 'udp://[::]:5060', why: 'no IPv6' }] } as never });
    assert.match(text, /^ {4}udp {2}192\.0\.2\.7:5060$/m);
    assert.match(text, /^ {4}\(not on udp:\/\/\[::\]:5060: no IPv6\)$/m);
    assert.match(text, /Nobody is here yet/);
  });

  test('a password that was made up here is said, for nobody else could know it', () => {
    const config = configOf('people: [{ name: Ada, extension: "1001" }]');
    const generated = [{ name: 'Ada', extension: '1001', password: 'made-up-here' }];
    assert.match(printed({ config, ready: { generated } as never }), /^ {4}1001 {2}made-up-here {2}\(Ada\)$/m);
  });

  test('without --demo the demo people are switched off, and that is said', () => {
    assert.match(printed({ hadDemo: true }), /demo people are switched off without --demo/);
    assert.doesNotMatch(printed(), /switched off/);
  });

  test('each demo person’s settings, as they are typed into a phone, with an address that others reach', () => {
    const demo = [
      { name: 'Alice', extension: '1001', password: 'p-alice' },
      { name: 'Bob', extension: '1002', password: 'p-bob' },
    ];
    const listening = [at('127.0.0.1'), at('192.0.2.7'), at('192.0.2.7', 'tcp')];
    const text = printed({ demo, ready: { listening } as never });
    for (const { name, extension, password } of demo) {
      const settings = `${name}\n *server.* 192.0.2.7\n *user name.* ${extension}\n *password *${password}\n *transport *UDP or TCP`;
      assert.match(text, new RegExp(settings));
    }
    assert.match(text, /call 1002 from Alice’s phone/);
  });

  test('declared people are greeted without their passwords', () => {
    const config = configOf('domain: example.test\npeople: [{ name: A, extension: "1001", password: very-secret-1 }]');
    const text = printed({ config });
    assert.match(text, /user {7}the extension, e\.g\. 1001/);
    assert.ok(!text.includes('very-secret-1'));
  });

  test('the administrator’s password is there when it is new; what was carried on is said', () => {
    const ready = { administrator: { name: 'admin', password: 'once' }, bindings: 2, calls: 1 } as never;
    const text = printed({ ready });
    assert.match(text, /password {2}once/);
    assert.match(text, /2 registrations and 1 calls from before/);
    assert.ok(!printed().includes('Administrator'));
  });
});

suite('demo people', () => {
  test('two, with passwords made once and kept sealed, at extensions nobody has', () => {
    using dir = mkdtempDisposableSync(join(tmpdir(), 'strowger-demo-'));
    const folder = openDataFolder(join(dir.path, 'data'));
    try {
      const taken = [{ name: 'X', extension: '1002' }];
      const people = demoPeople(folder, taken);
      assert.deepEqual(
        people.map(({ name, extension, password }) => [name, extension, password.length]),
        [
          ['Alice', '1001', 20],
          ['Bob', '1003', 20],
        ],
      );
      assert.deepEqual(demoPeople(folder, taken), people, 'the same at the next start');
      const sealed = readFileSync(join(folder.paths.keys, 'demo.sealed'), 'utf8');
      assert.ok(people.every(({ password }) => !sealed.includes(password)));
      const moved = demoPeople(folder, [{ name: 'Y', extension: '1001' }]);
      assert.deepEqual(
        moved.map(({ extension }) => extension),
        ['1002', '1003'],
        'somebody took one meanwhile',
      );
    } finally {
      folder.release();
    }
  });
});

suite('listeners', () => {
  /** Sockets that can be had, except where said. */
  function transports(refuse: Readonly<Record<string, string>> = {}) {
    const listening: { readonly transport: TransportName; readonly address: SocketAddress }[] = [];
    const fake = {
      listening,
      async listen(transport: TransportName, address: SocketAddress) {
        const code = refuse[address.address];
        if (code) throw Object.assign(new Error('system'), { code });
        listening.push({ transport, address });
        return address;
      },
    };
    return fake as unknown as HostTransports;
  }

  test('a wildcard is every address of the machine, so that each flow knows its own; link-local ones are left out', async () => {
    const open = transports();
    await openListeners(open, configOf('domain: example.test'));
    const mine = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const expected = mine.map(({ address }) => address).filter((address) => !address.startsWith('fe80:'));
    assert.deepEqual(new Set(open.listening.map(({ address }) => address.address)), new Set(expected));
  });

  test('what the file names and cannot be had ends the start, with what to do about it', async () => {
    const config = configOf('domain: example.test\nlisten: ["udp://127.0.0.1:5060"]');
    await assert.rejects(openListeners(transports({ '127.0.0.1': 'EADDRINUSE' }), config), {
      code: 'LISTEN_FAILED',
      message:
        'cannot listen on udp://127.0.0.1:5060: another program has this port; stop it or choose another under `listen`',
    });
  });

  test('what nobody asked for by name is left out, and said; none at all ends the start', async () => {
    const all = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    const loopback = '127.0.0.1';
    const others = Object.fromEntries(all.filter((address) => address !== loopback).map((a) => [a, 'EACCES']));
    const some = transports(others);
    const skipped = await openListeners(some, configOf('domain: example.test'));
    assert.ok(some.listening.length > 0);
    assert.ok(skipped.every(({ why }) => why.startsWith('this user may not use this port')));
    const none = transports({ ...others, [loopback]: 'EACCES' });
    await assert.rejects(openListeners(none, configOf('domain: example.test')), /no listener could be opened/);
  });

  test('transports of releases to come are left out, and said', async () => {
    const config = configOf('domain: example.test\nlisten: ["udp://127.0.0.1:5060", "tls://127.0.0.1:5061"]');
    const skipped = await openListeners(transports(), config);
    assert.deepEqual(skipped, [{ listener: 'tls://127.0.0.1:5061', why: 'tls is not served yet in this release' }]);
  });
});
