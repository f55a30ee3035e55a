/** What a test, a file of tests and a whole run came to. */

/** One test, as the reporter writes it. */
export interface TestResult {
  /** With the names of the suites it stands in. */
  readonly name: string;
  readonly line: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  readonly error?: string;
}

/** A line of the reporter: a test or suite began or ended, said something, or is told with its outcome. */
export type ReportLine =
  | { readonly begun: string }
  | { readonly ended: string }
  | { readonly note: string }
  | { readonly result: TestResult };

/** One file of tests, or one check. */
export interface FileResult {
  readonly file: string;
  readonly tests: readonly TestResult[];
  /** What its tests said by `t.diagnostic`: figures that are to be read though nothing failed. */
  readonly notes?: readonly string[];
  /** What it printed, kept for when it failed. */
  readonly output: string;
  readonly ms: number;
}

/** Counts for the closing line. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Adds up the tests of some files. */
export function tally(files: readonly FileResult[]): Tally {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { tests } of files) for (const { outcome } of tests) count[outcome] += 1;
  return count;
}

/** The line that closes a run; machines read it, so it keeps its form. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The failing tests of a run with their errors and what their files printed, for the end of the output. */
export function failures(files: readonly FileResult[]): readonly string[] {
  const out: string[] = [];
  for (const { file, tests, output } of files) {
    const failed = tests.filter((test) => test.outcome === 'failed');
    for (const { name, line, error } of failed) {
      out.push('', `FAILED ${line > 0 ? `${file}:${line}` : file}`, `  ${name}`, ...indent(error ?? '', 4));
    }
    if (failed.length > 0 && output.trim() !== '') out.push(`  printed by ${file}:`, ...indent(tail(output), 4));
  }
  return out;
}

/** Skipped tests under the reason they gave, each by name. */
export function skips(files: readonly FileResult[]): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const { file, tests } of files) {
    for (const { name, outcome, reason = 'no reason given' } of tests) {
      if (outcome === 'skipped') byReason.set(reason, [...(byReason.get(reason) ?? []), `${name} (${file})`]);
    }
  }
  return [...byReason].flatMap(([reason, names]) => [`SKIPPED: ${reason}`, ...names.map((name) => `  ${name}`)]);
}

/** What tests wanted read, passed or failed. */
export function notes(files: readonly FileResult[]): readonly string[] {
  return files.flatMap(({ file, notes: said = [] }) => said.map((note) => `NOTED: ${note} (${file})`));
}

const MOST_OUTPUT = 8_000;

function tail(text: string): string {
  return text.length <= MOST_OUTPUT ? text : `… ${text.slice(-MOST_OUTPUT)}`;
}

function indent(text: string, by: number): readonly string[] {
  if (text.trim() === '') return [];
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(by)}${line}`);
}
