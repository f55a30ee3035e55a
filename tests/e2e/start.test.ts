/** `npm start` as a stranger uses it: what it prints is enough to register a phone, and it comes and goes in order. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RawPhone } from '../support/raw-phone.ts';
import { freePort, mediaPorts } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE = 30_000;

suite('npm start', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-start-'));
  const data = join(folder, 'data');
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('--demo prints what to type into two phones; with it they register; a second start prints the same', async (t) => {
    const port = await freePort();
    const config = join(folder, 'config.yaml');
    writeFileSync(config, `listen: ["udp://127.0.0.1:${port}"]\nmedia: { ports: ${mediaPorts()} }\n`);
    const first = await start('--demo', '--data', data, '--config', config);
    const people = settingsIn(first.output());
    assert.deepEqual(
      people.map(({ name, user }) => `${name} ${user}`),
      ['Alice 1001', 'Bob 1002'],
    );
    assert.match(first.output(), /Administrator[\s\S]*password {2}\S{16,}/);
    for (const { server, user, password } of people) {
      assert.equal(server, `127.0.0.1:${port}`);
      const at = { address: '127.0.0.1', port };
      const phone = await RawPhone.open({ server: at, domain: server, user, password });
      assert.match(await phone.register(), /^SIP\/2\.0 200 /, `${user} with what was printed`);
      phone.close();
    }
    assert.equal(statSync(data).mode & 0o777, 0o700, 'the data folder is its owner’s alone');
    assert.equal(await first.end('SIGTERM'), 0);

    const began = performance.now();
    const second = await start('--demo', '--data', data, '--config', config);
    t.diagnostic(`the second start was ready after ${Math.round(performance.now() - began)} ms`);
    assert.deepEqual(settingsIn(second.output()), people);
    assert.doesNotMatch(second.output(), /Administrator/, 'its password is shown once');
    assert.match(second.output(), /carried on {2}2 registrations and 0 calls/);
    const passwords = people.map(({ password }) => password);
    for (const file of ['strowger.db', 'keys/demo.sealed']) {
      const text = readFileSync(join(data, file), 'latin1');
      assert.ok(!passwords.some((password) => text.includes(password)), `no password in ${file}`);
    }
    // A terminal tells the whole group, and each process must know whose turn it is.
    assert.equal(await second.endGroup('SIGINT'), 0, 'Ctrl-C');
    assert.match(second.output(), /Strowger has stopped\.$/m);
    assert.doesNotMatch(second.output(), /process ended/);
    assert.equal(existsSync(join(data, 'run', 'signalling.pid')), false);
  });

  test('a second server on the same folder is refused with a sentence, and the first goes on', async () => {
    const port = await freePort();
    const config = join(folder, 'one.yaml');
    writeFileSync(config, `listen: ["udp://127.0.0.1:${port}"]\nmedia: { ports: ${mediaPorts()} }\n`);
    const one = await start('--data', data, '--config', config);
    const two = run('--data', data, '--config', config);
    assert.equal(await two.ended, 1);
    assert.match(two.output(), /cannot start: .* is in use by another Strowger \(process \d+\)/);
    assert.equal(await one.endGroup('SIGHUP'), 0, 'the terminal is closed');
    assert.match(one.output(), /Strowger has stopped\.$/m);
  });

  test('a configuration with mistakes is refused with line and nearest name, and nothing is made', async () => {
    const config = join(folder, 'bad.yaml');
    writeFileSync(config, 'domain: example.test\nlitsen: [udp://127.0.0.1:5060]\n');
    const server = run('--data', join(folder, 'none'), '--config', config);
    assert.equal(await server.ended, 2);
    assert.match(server.output(), /bad\.yaml:2.*litsen.*listen/s);
    assert.equal(existsSync(join(folder, 'none')), false);
  });
});

interface Settings {
  readonly name: string;
  readonly server: string;
  readonly user: string;
  readonly password: string;
}

/** The blocks as a person reads them. */
function settingsIn(output: string): readonly Settings[] {
  const block = / {4}(\w+)\n +server \(domain, registrar\) +(\S+)\n +user name[^\n]* (\S+)\n +password +(\S+)\n/g;
  return [...output.matchAll(block)].map(([, name = '', server = '', user = '', password = '']) => {
    return { name, server, user, password };
  });
}

interface Running {
  output(): string;
  readonly ended: Promise<number | null>;
  end(signal: NodeJS.Signals): Promise<number | null>;
  endGroup(signal: NodeJS.Signals): Promise<number | null>;
}

/** The very script of `npm start`, on the machine's own Node where there is one. */
function run(...args: readonly string[]): Running {
  const child: ChildProcess = spawn('node', [join(ROOT, 'tools/start.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (piece) => (text += piece));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  return {
    output: () => text,
    ended,
    end(signal) {
      child.kill(signal);
      return ended;
    },
    endGroup(signal) {
      process.kill(-(child.pid ?? 0), signal);
      return ended;
    },
  };
}

async function start(...args: readonly string[]): Promise<Running> {
  const running = run(...args);
  const late = AbortSignal.timeout(PATIENCE);
  // All of the greeting is written at once, so the sentence is enough.
  while (!running.output().includes('Strowger is ready.')) {
    if (late.aborted || (await Promise.race([running.ended, after50ms()])) !== undefined) {
      throw new Error(`not ready:\n${running.output()}`);
    }
  }
  return running;
}

const after50ms = (): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), 50));
