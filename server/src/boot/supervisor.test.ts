import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Config } from '../config/schema.ts';
import { dataPaths } from './data-folder.ts';
import type { SignallingReady } from './messages.ts';
import { Supervisor } from './supervisor.ts';

/** What both children do: write down that they began and ended, and end when told. */
const CHILD = (role: string) => `
  import { appendFileSync, readFileSync } from 'node:fs';
  const log = new URL('./log', import.meta.url);
  const say = (what) => appendFileSync(log, '${role} ' + what + '\\n');
  say('begins');
  const times = readFileSync(log, 'utf8').split('${role} begins').length - 1;
  process.on('SIGTERM', () => { say('ends'); process.exit(0); });
  process.on('disconnect', () => process.exit(0));
`;
const MEDIA = `${CHILD('media')} setInterval(() => {}, 1000);`;
const READY = `process.send({ kind: 'ready', listening: [], skipped: [], bindings: 0, calls: 0 })`;
const WHEN_TOLD = (then: string) =>
  `process.on('message', (m) => { say(m.kind); if (m.kind === 'start') { ${then} } });`;

/** A supervisor over children written for the occasion, and what they wrote down. */
function rig(signalling: string, media: string = MEDIA) {
  const dir = mkdtempDisposableSync(join(tmpdir(), 'strowger-supervisor-'));
  const paths = dataPaths(join(dir.path, 'data'));
  mkdirSync(paths.run, { recursive: true });
  const script = (name: string, text: string) => {
    writeFileSync(join(dir.path, name), text);
    return pathToFileURL(join(dir.path, name));
  };
  const scripts = { signalling: script('s.mjs', CHILD('signalling') + signalling), media: script('m.mjs', media) };
  const timing = { ports: { first: 1, last: 2 }, idleSeconds: 1, orphanSeconds: 1, addresses: [] };
  const supervisor = new Supervisor({ paths, config: { media: timing } as unknown as Config, scripts });
  const ready: SignallingReady[] = [];
  supervisor.onReady((message) => void ready.push(message));
  const log = () =>
    existsSync(join(dir.path, 'log')) ? readFileSync(join(dir.path, 'log'), 'utf8').trim().split('\n') : [];
  const until = async (done: () => boolean) => {
    for (let i = 0; i < 500 && !done(); i += 1) await delay(10);
    assert.ok(done(), log().join('\n'));
  };
  const pid = (file: string) => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined);
  return { dir, paths, supervisor, ready, log, until, pid };
}

suite('supervisor', { concurrency: false, timeout: 30_000 }, () => {
  mock.method(console, 'log', () => {});
  mock.method(console, 'error', () => {});

  test('both begin, and end in order: signalling first, so that calls are ended properly', async () => {
    const { dir, paths, supervisor, ready, log, until, pid } = rig(WHEN_TOLD(READY));
    using _ = dir;
    const ended = supervisor.run();
    await until(() => ready.length === 1);
    assert.ok(pid(paths.signallingPid) && pid(paths.mediaPid));
    supervisor.announced();
    await until(() => log().includes('signalling announced') && log().includes('media begins'));
    supervisor.stop('test');
    assert.equal(await ended, 0);
    assert.deepEqual(log().slice(-2), ['signalling ends', 'media ends']);
    assert.deepEqual([pid(paths.signallingPid), pid(paths.mediaPid)], [undefined, undefined]);
  });

  test('what is killed is started again, alone, and who was told that all is ready is not told again', async () => {
    const { dir, paths, supervisor, ready, log, until, pid } = rig(WHEN_TOLD(READY));
    using _ = dir;
    const ended = supervisor.run();
    await until(() => ready.length === 1);
    const before = pid(paths.signallingPid);
    process.kill(before ?? 0, 'SIGKILL');
    await until(() => log().filter((line) => line === 'signalling start').length === 2);
    assert.notEqual(pid(paths.signallingPid), before);
    assert.equal(log().filter((line) => line === 'media begins').length, 1);
    assert.equal(ready.length, 1);
    supervisor.stop('test');
    assert.equal(await ended, 0);
  });

  test('one that keeps dying is started again less and less often', async () => {
    const { dir, supervisor, log, until } = rig(
      WHEN_TOLD(READY),
      `${CHILD('media')} if (times < 4) process.exit(3); setInterval(() => {}, 1000);`,
    );
    using _ = dir;
    const begun = performance.now();
    const ended = supervisor.run();
    await until(() => log().filter((line) => line === 'media begins').length === 4);
    // 50, 100 and 200 ms lie between the four.
    assert.ok(performance.now() - begun >= 350);
    supervisor.stop('test');
    assert.equal(await ended, 0);
  });

  test('a first start that cannot be is not tried again: all ends, with a code that says so', async () => {
    const failing = WHEN_TOLD(
      `process.send({ kind: 'failed', code: 'LISTEN_FAILED', message: 'no' }, () => process.exit(1))`,
    );
    const { dir, supervisor, ready, log } = rig(failing);
    using _ = dir;
    assert.equal(await supervisor.run(), 1);
    assert.deepEqual([ready, log().filter((line) => line === 'signalling begins').length], [[], 1]);
  });

  test('a child that dies again and again before all was ever ready: the start is given up', async () => {
    const { dir, supervisor, log } = rig(WHEN_TOLD(''), `${CHILD('media')} process.exit(3);`);
    using _ = dir;
    assert.equal(await supervisor.run(), 1);
    assert.equal(log().filter((line) => line === 'media begins').length, 5);
    assert.equal(log().at(-1), 'signalling ends');
  });

  test('stopped while a child waits to be started again: it is not', async () => {
    const { dir, supervisor, ready, log, until } = rig(WHEN_TOLD(`${READY}; setTimeout(() => process.exit(3), 50)`));
    using _ = dir;
    const ended = supervisor.run();
    await until(() => ready.length === 1);
    await until(() => log().filter((line) => line === 'signalling begins').length >= 2);
    await delay(150);
    supervisor.stop('test');
    assert.equal(await ended, 0);
    const begun = log().filter((line) => line === 'signalling begins').length;
    await delay(400);
    assert.equal(log().filter((line) => line === 'signalling begins').length, begun);
  });
});
