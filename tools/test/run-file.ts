/** Runs one file of tests in a process of its own, and makes sure that nothing of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileResult, TestResult } from './result.ts';

const REPORTER = fileURLToPath(new URL('./reporter.ts', import.meta.url));
/** Output beyond this is cut at its head: a test that prints without end must not fill the runner's memory. */
const MOST_KEPT = 64 * 1024;

const running = new Set<ChildProcess>();

/** Ends every file that is being run, with the processes it started: for Ctrl-C. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

/** Runs `file` and reads what its tests came to. A file that breaks outside its tests counts as one failed test. */
export async function runFile(file: string, root: string, timeoutMs: number): Promise<FileResult> {
  const started = performance.now();
  const scratch = mkdtempSync(join(tmpdir(), 'strowger-test-'));
  const report = join(scratch, 'report.ndjson');
  try {
    const ended = await runProcess(
      [`--test-reporter=${REPORTER}`, `--test-reporter-destination=${report}`, file],
      root,
      timeoutMs,
    );
    const tests = readReport(report);
    const broken = verdictOnProcess(ended, tests, timeoutMs);
    return {
      file,
      tests: broken === undefined ? tests : [...tests, broken],
      output: ended.output,
      ms: performance.now() - started,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly output: string;
}

function runProcess(args: readonly string[], cwd: string, timeoutMs: number): Promise<Ended> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    // A group of its own, so that programs which the test started go with it.
    const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    let timedOut = false;
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MOST_KEPT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, timeoutMs);
    child.on('error', (error) => {
      output += `\n${error.message}`;
    });
    child.on('exit', () => {
      // What it left behind goes too, and with it the other ends of our pipes.
      killGroup(child);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, signal, timedOut, output });
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: the group has ended already, which is what was wanted.
  }
}

function readReport(path: string): readonly TestResult[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // The process broke before its reporter wrote anything; `verdictOnProcess` says so.
  }
  // A killed process may leave half a line.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TestResult);
}

function verdictOnProcess(ended: Ended, tests: readonly TestResult[], timeoutMs: number): TestResult | undefined {
  const fail = (error: string): TestResult => ({ name: 'the file itself', line: 0, outcome: 'failed', error });
  if (ended.timedOut) {
    const seconds = timeoutMs / 1000;
    return fail(
      `not done after ${seconds} s, so it was killed; ${tests.length} tests had ended. Either a test waits for something ` +
        'that never comes, or something it opened (a socket, a timer, a process) keeps it alive.',
    );
  }
  const ok = ended.code === 0;
  if (!ok && !tests.some((test) => test.outcome === 'failed')) {
    return fail(
      `ended with ${ended.signal ?? `exit code ${ended.code}`} although no test failed; what it printed says why.`,
    );
  }
  if (ok && tests.length === 0) return fail('holds no test.');
  return undefined;
}
