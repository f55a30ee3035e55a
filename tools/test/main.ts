/**
 * `npm test`: the checks, then every kind of test, with a line of progress each and one closing line.
 *
 *     npm test                                 everything
 *     npm test -- packages/sip server/src/…    only tests under these paths
 *     npm test -- --only unit,scenario         only these kinds (checks, unit, conformance, …)
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runChecks } from './checks.ts';
import { filesOf, KINDS, type Kind, orphans } from './kinds.ts';
import { installPeers } from './peers.ts';
import { closingLine, type FileResult, failures, notes, skips, tally } from './result.ts';
import { killAll, runFile } from './run-file.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** On two cores; whoever goes over it makes everybody wait. */
const BUDGET_MS = 5 * 60_000;

interface Options {
  readonly paths: readonly string[];
  readonly checks: boolean;
  readonly kinds: readonly Kind[];
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return;
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

  const started = performance.now();
  const results: FileResult[] = [];
  if (options.checks) results.push(...(await runChecks(ROOT, progress)));
  for (const kind of options.kinds) results.push(...(await runKind(kind, options.paths)));
  finish(results, performance.now() - started);
}

function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
  const known = ['checks', ...KINDS.map((kind) => kind.name)];
  const only = values.only?.split(',') ?? known;
  const unknown = only.find((name) => !known.includes(name));
  if (unknown !== undefined) return refuse(`--only ${unknown}: there is no such kind; there are ${known.join(', ')}`);

  const paths = positionals.map((path) => path.replaceAll('\\', '/'));
  const kinds = KINDS.filter((kind) => only.includes(kind.name));
  const none = paths.find((path) => kinds.every((kind) => filesOf(kind, [path], ROOT).length === 0));
  if (none !== undefined) return refuse(`${none}: no test file (*.test.ts) lies there`);
  return { paths, kinds, checks: only.includes('checks') && paths.length === 0 };
}

function refuse(message: string): undefined {
  console.error(message);
  process.exitCode = 2;
}

async function runKind(kind: Kind, paths: readonly string[]): Promise<readonly FileResult[]> {
  const files = filesOf(kind, paths, ROOT);
  if (files.length === 0) return [];
  if (kind.peers) await installPeers(progress);

  const started = performance.now();
  const results: FileResult[] = [];
  const waiting = [...files];
  let told = started;
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file, ROOT, kind.timeoutMs);
      results.push(result);
      if (kind.atOnce === 1) tell(`  ${file}`, [result], result.ms);
      else if (waiting.length > 0 && performance.now() - told > 10_000) {
        told = performance.now();
        progress(`  ${results.length} of ${files.length} files`);
      }
    }
  };
  await Promise.all(Array.from({ length: kind.atOnce }, worker));
  tell(kind.name, results, performance.now() - started);
  return results;
}

function tell(name: string, results: readonly FileResult[], ms: number): void {
  const { passed, failed, skipped } = tally(results);
  const parts = [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  progress(`${name.padEnd(14)} ${parts.join(', ')} in ${(ms / 1000).toFixed(1)} s`);
}

function progress(line: string): void {
  console.log(line);
}

function finish(results: readonly FileResult[], ms: number): void {
  const lost = orphans(ROOT);
  const all = lost.length === 0 ? results : [...results, lostFiles(lost)];
  for (const line of [...failures(all), '', ...notes(all), ...skips(all)]) console.log(line);
  if (ms > BUDGET_MS) {
    const slowest = [...all].sort((a, b) => b.ms - a.ms).slice(0, 5);
    console.log(`\nWARNING: ${(ms / 60_000).toFixed(1)} minutes; the budget is ${BUDGET_MS / 60_000}. The slowest:`);
    for (const { file, ms: each } of slowest) console.log(`  ${(each / 1000).toFixed(1)} s  ${file}`);
  }
  const count = tally(all);
  if (count.failed > 0 || count.passed === 0) process.exitCode = 1;
  console.log(`\n${closingLine(count)}`);
}

function lostFiles(files: readonly string[]): FileResult {
  const error = `${files.join(', ')}: no kind in tools/test/kinds.ts claims these files, so they never run.`;
  return {
    file: 'tests',
    tests: [{ name: 'every test file has a kind', line: 0, outcome: 'failed', error }],
    output: '',
    ms: 0,
  };
}

await main();
