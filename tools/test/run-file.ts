/** Runs one file of tests in a process of its own, and makes sure that nothing of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileResult, ReportLine, TestResult } from './result.ts';

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
    const { tests, notes, unfinished } = readReport(report);
    const broken = verdictOnProcess(ended, tests, unfinished, timeoutMs);
    return {
      file,
      tests: broken === undefined ? tests : [...tests, broken],
      notes,
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

interface Report {
  readonly notes: readonly string[];
  readonly tests: readonly TestResult[];
  /** Tests and suites that began and did not end. */
  readonly unfinished: readonly string[];
}

function readReport(path: string): Report {
  const tests: TestResult[] = [];
  const notes: string[] = [];
  const unfinished: string[] = [];
  for (const line of linesOf(path)) {
    const content = JSON.parse(line) as ReportLine;
    if ('result' in content) tests.push(content.result);
    else if ('note' in content) notes.push(content.note);
    else if ('begun' in content) unfinished.push(content.begun);
    else unfinished.splice(unfinished.lastIndexOf(content.ended), 1);
  }
  return { tests, notes, unfinished };
}

function linesOf(path: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // The process broke before its reporter wrote anything; `verdictOnProcess` says so.
  }
  // A killed process may leave half a line.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').filter((line) => line !== '');
}

function verdictOnProcess(
  ended: Ended,
  tests: readonly TestResult[],
  unfinished: readonly string[],
  timeoutMs: number,
): TestResult | undefined {
  const fail = (error: string): TestResult => ({ name: 'the file itself', line: 0, outcome: 'failed', error });
  if (ended.timedOut) {
    const why =
      unfinished.length > 0
        ? `still running: ${unfinished.join(' › ')}`
        : 'all its tests had ended, so something they opened (a socket, a timer, a process) keeps it alive';
    return fail(`not done after ${timeoutMs / 1000} s, so it was killed; ${why}.`);
  }
  const ok = ended.code === 0;
  if (!ok && !tests.some((test) => test.outcome === 'failed')) {
    const how = ended.signal ?? `exit code ${ended.code}`;
    return fail(`ended with ${how} although no test failed; what it printed says why.`);
  }
  if (ok && tests.length === 0) return fail('holds no test.');
  return undefined;
}
