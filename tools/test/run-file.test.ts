import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { closingLine, type FileResult, failures, skips, tally } from './result.ts';
import { runFile } from './run-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'strowger-runner-'));
after(() => rmSync(folder, { recursive: true }));

const HEAD = "import { suite, test } from 'node:test';\n";

function run(body: string, timeoutMs = 20_000): Promise<FileResult> {
  const file = join(folder, `case-${Math.round(performance.now() * 1000)}.test.mjs`);
  writeFileSync(file, HEAD + body);
  return runFile(file, folder, timeoutMs);
}

const outcomes = ({ tests }: FileResult) => tests.map(({ name, outcome }) => `${outcome}: ${name}`);

suite('running one file of tests', () => {
  test('passes, failures and skips are counted, by the names of their suites; a suite is no test', async () => {
    const result = await run(`suite('outer', () => {
      test('good', () => {});
      test('bad', () => { throw new Error('the reason'); });
      test('absent', { skip: 'no peer' }, () => {});
    });`);
    assert.deepEqual(outcomes(result), ['passed: outer › good', 'failed: outer › bad', 'skipped: outer › absent']);
    assert.equal(closingLine(tally([result])), '1 passed, 1 failed, 1 skipped');
    assert.match(failures([result]).join('\n'), /FAILED .*:4\n {2}outer › bad\n {4}Error: the reason/);
    assert.match(skips([result]).join('\n'), /^SKIPPED: no peer\n {2}outer › absent/);
  });

  test('a suite that is skipped whole counts as one skip, with its reason', async () => {
    const result = await run("suite('s', { skip: 'no archive' }, () => { test('t', () => {}); });");
    assert.deepEqual(outcomes(result), ['skipped: s']);
    assert.equal(result.tests[0]?.reason, 'no archive');
  });

  test('a hook that throws fails its suite', async () => {
    const result = await run(`import { before } from 'node:test';
      suite('s', () => { before(() => { throw new Error('no set-up'); }); test('t', () => {}); });`);
    assert.ok(result.tests.some(({ outcome, error }) => outcome === 'failed' && error?.includes('no set-up')));
  });

  test('a file that cannot be loaded is one failure, with what it printed', async () => {
    const result = await run("import './not-there.mjs';");
    assert.deepEqual(outcomes(result), ['failed: the file itself']);
    assert.match(failures([result]).join('\n'), /not-there\.mjs/);
  });

  test('a file without a test is a failure', async () => {
    assert.deepEqual(outcomes(await run('')), ['failed: the file itself']);
  });

  test('a test that hangs is killed and named', async () => {
    const result = await run("test('waits for ever', () => new Promise(() => setInterval(() => {}, 1000)));", 1_500);
    assert.match(result.tests.at(-1)?.error ?? '', /still running: waits for ever/);
  });

  test('what keeps a file alive after its tests is reported', async () => {
    const result = await run("test('leaks', () => { setInterval(() => {}, 1000); });", 1_500);
    assert.match(result.tests.at(-1)?.error ?? '', /something they opened/);
  });

  test('programs that a test started and left end with its file', async () => {
    const mark = `left-behind-${process.pid}`;
    await run(`import { spawn } from 'node:child_process';
      test('leaves one', () => { spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e3)', '${mark}'], { stdio: 'ignore' }).unref(); });`);
    assert.equal(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout.includes(mark), false);
  });
});
