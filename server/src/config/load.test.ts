import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type ConfigOutcome, loadConfig, loadConfigOrThrow, parseConfig } from './load.ts';
import { formatProblem } from './problem.ts';
import type { Config } from './schema.ts';

const parse = (text: string): ConfigOutcome => parseConfig(text, { hostname: 'box' });

function good(text: string): Config {
  const outcome = parse(text);
  if (!outcome.ok) assert.fail(outcome.problems.map((p) => formatProblem('f', p)).join('\n'));
  return outcome.config;
}

function bad(text: string): string[] {
  const outcome = parse(text);
  assert.equal(outcome.ok, false);
  return outcome.ok ? [] : outcome.problems.map((p) => `${p.code} ${formatProblem('f', p)}`);
}

const SAMPLE = `domain: example.test
listen: [udp://127.0.0.1:5060, tcp://127.0.0.1:5060, tls://127.0.0.1:5061, "udp://[::1]:5060"]   # tls from the next issue on
http: { listen: https://127.0.0.1:8443 }        # API, pages, and SIP over WebSocket at /sip, from the next issue on
media: { address: 127.0.0.1, ports: 30000-30999 }
trusted: [192.0.2.0/24]                         # requests from here need no credentials
people:
  - { name: Alice, extension: "1001", password: alice-secret-1 }   # the device's user name is the extension
  - { name: Bob, extension: "1002", password: bob-secret-2 }
`;

suite('configuration file', () => {
  test('the sample of the documentation loads as it stands', () => {
    const config = good(SAMPLE);
    assert.equal(config.domain, 'example.test');
    assert.deepEqual(config.listen[3], { transport: 'udp', address: '::1', port: 5060 });
    assert.deepEqual(config.http.listen, [{ secure: true, address: '127.0.0.1', port: 8443 }]);
    assert.deepEqual(config.media.addresses, ['127.0.0.1']);
    assert.deepEqual(config.media.ports, { first: 30000, last: 30999 });
    assert.deepEqual(config.trusted, [{ address: '192.0.2.0', prefix: 24 }]);
    assert.deepEqual(config.people[1], { name: 'Bob', extension: '1002', password: 'bob-secret-2' });
    assert.deepEqual(config.given, ['domain', 'listen', 'http', 'media', 'trusted', 'people']);
  });

  test('no file, an empty one and one of comments give every default, frozen', () => {
    for (const text of ['', '\n', '# nothing\n', '{}', 'null', 'people:\n']) {
      const config = good(text);
      assert.equal(config.domain, 'localhost');
      assert.deepEqual(
        config.listen.map((l) => `${l.transport} ${l.address} ${l.port}`),
        ['udp 0.0.0.0 5060', 'tcp 0.0.0.0 5060', 'udp :: 5060', 'tcp :: 5060'],
      );
      assert.deepEqual(config.registrar, { minExpires: 60, maxExpires: 7200, defaultExpires: 3600, maxBindings: 10 });
      assert.equal(config.durability, 'process');
      assert.deepEqual(config.people, []);
      assert.throws(() => (config.people as unknown[]).push(1), TypeError);
      assert.throws(() => Object.assign(config.registrar, { minExpires: 1 }), TypeError);
    }
    const named = parseConfig('', { hostname: 'PBX.example.test' });
    assert.equal(named.ok && named.config.domain, 'pbx.example.test');
  });

  test('an unknown key names its line and the nearest key', () => {
    assert.deepEqual(bad('domain: a.test\nlisten: ["udp://0.0.0.0:5060"]\nlitsen: []\n'), [
      'CONFIG_UNKNOWN_KEY f:3:1: unknown key `litsen`: did you mean `listen`?',
    ]);
    assert.deepEqual(bad('people:\n  - { name: A, extensoin: "1" }\n'), [
      'CONFIG_UNKNOWN_KEY f:2:16: people[0]: unknown key `extensoin`: did you mean `extension`?',
      'CONFIG_MISSING_KEY f:2:5: people[0]: lacks `extension`',
    ]);
    assert.deepEqual(bad('log: { zebra: 1 }'), [
      'CONFIG_UNKNOWN_KEY f:1:8: log: unknown key `zebra`: known here: level',
    ]);
    assert.match(bad('__proto__: 1').join(), /unknown key `__proto__`/);
    assert.match(bad('constructor: 1').join(), /unknown key `constructor`/);
  });

  test('a wrong type says what was expected and what was found', () => {
    assert.deepEqual(bad('domain: [a]\nlisten: udp://0.0.0.0:5060\nregistrar:\n  minExpires: "60"\n'), [
      'CONFIG_WRONG_TYPE f:1:9: domain: expected text, found a list',
      'CONFIG_WRONG_TYPE f:2:9: listen: expected a list, found text',
      'CONFIG_WRONG_TYPE f:4:15: registrar.minExpires: expected a whole number, found text',
    ]);
    assert.match(bad('- 1').join(), /expected keys and values, found a list/);
    assert.match(bad('durability: dsik').join(), /expected one of process, disk, found "dsik": did you mean `disk`/);
    assert.match(bad('registrar: { minExpires: 1.5 }').join(), /found a number with a fraction/);
    assert.match(bad('registrar: { minExpires: 0 }').join(), /0 is not between 1 and 86400/);
  });

  test('an extension may be a bare number, but not one whose zeros YAML would lose', () => {
    assert.equal(good('people: [{ name: A, extension: 1001 }]').people[0]?.extension, '1001');
    for (const written of ['0100', '007', '0x10', '0o17', '1e3', '+5']) {
      assert.match(bad(`people: [{ name: A, extension: ${written} }]`).join(), /quote it|may not hold/, written);
    }
    assert.equal(good('people: [{ name: A, extension: "0100" }]').people[0]?.extension, '0100');
    assert.match(bad('people: [{ name: A, extension: "10 01" }]').join(), /extension: holds characters/);
  });

  test('two people of one extension, bare or quoted', () => {
    assert.deepEqual(bad('people:\n  - { name: A, extension: "1001" }\n  - { name: B, extension: 1001 }\n'), [
      'CONFIG_DUPLICATE f:3:27: people[1].extension: extension 1001 is already that of people[0]',
    ]);
  });

  test('names keep every letter and refuse whatever could end a line', () => {
    assert.equal(good('people: [{ name: "\\u010D\\u010A “é\\U0001F600”", extension: a }]').people[0]?.name, 'čĊ “é😀”');
    for (const c of ['\\r\\n', '\\0', '\\u0085', '\\u2028', '\\u007f']) {
      assert.match(bad(`people: [{ name: "A${c}B", extension: a }]`).join(), /name: holds characters/, c);
    }
  });

  test('networks: both families, prefix within bounds, no host bits', () => {
    assert.deepEqual(
      good('trusted: [192.0.2.1, 2001:db8::/32, "::/0", "::ffff:192.0.2.0/120"]').trusted.map((n) => n.prefix),
      [32, 32, 0, 120],
    );
    assert.match(bad('trusted: [192.0.2.0/33]').join(), /above 32/);
    assert.match(bad('trusted: [192.0.2.1/24]').join(), /must be zero/);
    assert.match(bad('trusted: ["2001:db8::1/32"]').join(), /must be zero/);
    assert.match(bad('trusted: [10.0.0/8]').join(), /f:1:11: trusted\[0\]: expected a network/);
    assert.match(bad('trusted: [192.0.2.0/2/4]').join(), /expected a network/);
  });

  test('listeners: scheme, address, port, and no two on one port', () => {
    assert.match(bad('listen: [sip://0.0.0.0:5060]').join(), /scheme "sip" is not udp/);
    assert.match(bad('listen: [udp://example.test:5060]').join(), /expected an IP address/);
    assert.match(bad('listen: ["udp://::1:5060"]').join(), /in brackets/);
    assert.match(bad('listen: ["udp://0.0.0.0:70000"]').join(), /not between 1 and 65535/);
    assert.match(bad('listen: []').join(), /at least 1/);
    assert.deepEqual(
      good('listen: ["udp://[::1]", "tls://[::]"]').listen.map((l) => l.port),
      [5060, 5061],
    );
    assert.match(
      bad('listen: [tcp://0.0.0.0:5060, ws://127.0.0.1:5060]').join(),
      /CONFIG_OVERLAP f:1:30: listen\[1\]: ws:.*claims the same port as listen\[0\]/,
    );
    assert.match(
      bad('listen: [tcp://127.0.0.1:8443]\nhttp: { listen: https://127.0.0.1:8443 }').join(),
      /http.listen: https/,
    );
    good('listen: [udp://0.0.0.0:5060, tcp://0.0.0.0:5060, "udp://[::]:5060", udp://0.0.0.0:5062]');
  });

  test('media ports: a range that is one, large enough, and apart from UDP listeners', () => {
    assert.match(bad('media: { ports: 30999-30000 }').join(), /f:1:17: media.ports: the range ends before it begins/);
    assert.match(bad('media: { ports: 30000-30001 }').join(), /needs 8 ports/);
    assert.match(bad('media: { ports: 30000 }').join(), /expected text, found a whole number/);
    assert.match(bad('media: { ports: 1-99999 }').join(), /between 1 and 65535/);
    assert.match(
      bad('listen: [udp://0.0.0.0:30010]').join(),
      /CONFIG_OVERLAP .*media.ports: 30000-30999 holds the port of listen\[0\]/,
    );
    good('listen: [udp://127.0.0.1:30010]\nmedia: { address: 192.0.2.9 }');
    good('listen: [tcp://0.0.0.0:30010]');
    assert.match(bad('media: { address: localhost }').join(), /expected an IP address/);
  });

  test('syntax errors, duplicate keys and several documents have their line', () => {
    assert.match(bad('domain: a.test\nlisten: [udp://0.0.0.0:5060\n').join(), /^CONFIG_SYNTAX f:\d+:\d+: not YAML/);
    assert.match(bad('domain: a\ndomain: b\n').join(), /CONFIG_SYNTAX f:2:1: not YAML: Map keys must be unique/);
    assert.match(bad('domain: a\n---\ndomain: b\n').join(), /CONFIG_SYNTAX/);
    assert.match(bad('domain: *nowhere').join(), /no anchor/);
  });

  test('aliases serve, bombs and merge keys do not', () => {
    const config = good('listen: &l [udp://127.0.0.1:5060]\nhttp: &h { listen: [] }\ntrusted: [&n 192.0.2.0/24, *n]\n');
    assert.equal(config.trusted.length, 2);
    assert.match(bad('log: &l { level: info }\nmedia: { <<: *l }').join(), /merge keys/);
    const bomb = ['log: &a0 { level: [x, x, x, x, x, x, x, x, x, x] }'];
    for (let i = 1; i < 9; i += 1) bomb.push(`k${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]`);
    const before = performance.now();
    assert.match(bad(bomb.join('\n')).join(), /unknown key/);
    const people = `people:\n  - &p { name: A, extension: "1" }\n${'  - *p\n'.repeat(9_000)}`;
    assert.match(bad(people).join(), /CONFIG_DUPLICATE/);
    assert.ok(performance.now() - before < 5_000);
  });

  test('at most fifty mistakes are told, and a self-containing alias ends', () => {
    assert.equal(bad(Array.from({ length: 200 }, (_, i) => `zz${i}: 1`).join('\n')).length, 50);
    assert.match(bad('people: &p [*p]').join(), /expected keys and values|no anchor/);
  });

  test('a file that is missing or not UTF-8 is a problem, not a crash', () => {
    using dir = mkdtempDisposableSync(join(tmpdir(), 'strowger-config-'));
    const file = join(dir.path, 'c.yaml');
    const missing = loadConfig(file, { hostname: 'x' });
    assert.equal(!missing.ok && missing.problems[0]?.code, 'CONFIG_UNREADABLE');
    writeFileSync(file, Buffer.from([0x64, 0xff, 0xfe]));
    assert.throws(() => loadConfigOrThrow(file, { hostname: 'x' }), /c\.yaml: the file is not UTF-8/);
    writeFileSync(file, SAMPLE);
    assert.equal(loadConfigOrThrow(file, { hostname: 'x' }).people.length, 2);
  });
});

suite('configuration file, whatever it holds', () => {
  const SEED = 20261123;

  test('nothing throws: the sample with random damage, nesting without end, tags and directives', () => {
    let x = SEED;
    const random = (n: number): number => {
      x = (x * 48_271) % 0x7fffffff;
      return x % n;
    };
    const bits = [
      '[',
      '{',
      '}',
      ']',
      ': ',
      '- ',
      '*a',
      '&a ',
      '"',
      "'",
      '\n',
      '!!binary ',
      '!x ',
      '? ',
      '%YAML 1.1\n---\n',
      '| ',
      '<<',
      '\t',
      '\u0000',
      '0x',
      '😀',
      '#',
    ];
    for (let i = 0; i < 1500; i += 1) {
      let text = SAMPLE;
      for (let n = random(4); n >= 0; n -= 1) {
        const at = random(text.length);
        text = text.slice(0, at) + (bits[random(bits.length)] ?? '') + text.slice(at + random(3));
      }
      const outcome = parse(text);
      if (!outcome.ok) assert.ok(outcome.problems.length > 0, `seed ${SEED}, round ${i}`);
    }
    for (const deep of [
      '['.repeat(100_000),
      '{a: '.repeat(50_000),
      '- '.repeat(50_000),
      `people: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    ]) {
      assert.equal(parse(deep).ok, false);
    }
  });
});
