/** What is checked before anything runs: format, lint, boundaries, types. Each check counts as one test. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { checkBoundaries } from '../lint/boundaries.ts';
import { checkRules } from '../lint/rules.ts';
import type { FileResult, TestResult } from './result.ts';

/** What a check found: nothing, or text to show. A check that cannot run here says why. */
type Verdict = { readonly problems: string } | { readonly unavailable: string };

interface Check {
  readonly name: string;
  run(root: string): Promise<Verdict> | Verdict;
}

const CHECKS: readonly Check[] = [
  { name: 'format and lint (biome)', run: (root) => tool(root, 'biome', ['check', '--no-errors-on-unmatched', '.']) },
  {
    name: 'promises and exhaustiveness (oxlint)',
    run: (root) => tool(root, 'oxlint', ['--type-aware', '--deny-warnings']),
  },
  { name: 'house rules', run: (root) => ({ problems: checkRules(root).join('\n') }) },
  { name: 'boundaries', run: (root) => ({ problems: checkBoundaries(root).join('\n') }) },
  { name: 'types', run: (root) => tool(root, 'tsc', ['-p', 'tsconfig.json']) },
  { name: 'types, set-up scripts', run: (root) => tool(root, 'tsc', ['-p', 'tsconfig.scripts.json']) },
  { name: 'types, isomorphic packages', run: (root) => tool(root, 'tsc', ['-p', 'tsconfig.isomorphic.json']) },
];

/** Runs all checks, one after the other. */
export async function runChecks(root: string, progress: (line: string) => void): Promise<readonly FileResult[]> {
  const results: FileResult[] = [];
  for (const check of CHECKS) {
    const started = performance.now();
    const verdict = await check.run(root);
    const ms = performance.now() - started;
    const test = resultOf(check.name, verdict);
    results.push({ file: 'check', tests: [test], output: '', ms });
    progress(
      `${check.name.padEnd(36)} ${test.outcome === 'failed' ? 'FAILED' : test.outcome} in ${(ms / 1000).toFixed(1)} s`,
    );
  }
  return results;
}

function resultOf(name: string, verdict: Verdict): TestResult {
  if ('unavailable' in verdict) return { name, line: 0, outcome: 'skipped', reason: verdict.unavailable };
  if (verdict.problems.trim() === '') return { name, line: 0, outcome: 'passed' };
  return { name, line: 0, outcome: 'failed', error: verdict.problems };
}

/** Runs a tool of node_modules; what it prints is the problem when it does not end with 0. */
function tool(root: string, name: string, args: readonly string[]): Promise<Verdict> {
  const path = join(root, 'node_modules/.bin', name);
  if (!existsSync(path)) return Promise.resolve({ unavailable: `npm carries no ${name} for this platform` });
  return new Promise((resolve) => {
    const child = spawn(path, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ problems: `${name} cannot be run: ${error.message}` }));
    child.on('close', (code) =>
      resolve({ problems: code === 0 ? '' : stripVTControlCharacters(output) || `${name} ended with ${code}` }),
    );
  });
}
