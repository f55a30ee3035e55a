/** A node:test reporter for the runner: a line of JSON for each test that begins or ends. */
import type { TestEvent } from 'node:test/reporters';
import type { ReportLine, TestResult } from './result.ts';

/** Yields a `ReportLine` a line. Suites are only reported when they were skipped or failed themselves, in a hook. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const open: string[] = [];
  for await (const event of source) {
    if (event.type === 'test:start') {
      open.length = event.data.nesting;
      open[event.data.nesting] = event.data.name;
      continue;
    }
    // In the order of things, where pass and fail are told in the order of the file.
    if (event.type === 'test:dequeue') yield line({ begun: event.data.name });
    if (event.type === 'test:complete') yield line({ ended: event.data.name });
    // A figure that a test of a suite wants read; what stands at the outermost level is the runner's own summary.
    if (event.type === 'test:diagnostic' && event.data.nesting > 0) yield line({ note: event.data.message });
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    const error = event.type === 'test:fail' ? event.data.details.error : undefined;
    if (isContainer(data.details.type, error, data.skip)) continue;
    const result: TestResult = {
      name: [...open.slice(0, data.nesting), data.name].join(' › '),
      line: data.line ?? 0,
      outcome: outcomeOf(event),
      ...(typeof data.skip === 'string' ? { reason: data.skip } : {}),
      ...(error === undefined ? {} : { error: textOf(error) }),
    };
    yield line({ result });
  }
}

function line(content: ReportLine): string {
  return `${JSON.stringify(content)}\n`;
}

function isContainer(type: string | undefined, error: unknown, skip: string | boolean | undefined): boolean {
  const why = (error as { failureType?: string } | undefined)?.failureType;
  const skipped = skip !== undefined && skip !== false;
  return why === 'subtestsFailed' || (type === 'suite' && error === undefined && !skipped);
}

function outcomeOf(event: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>): TestResult['outcome'] {
  const { skip, todo } = event.data;
  if (skip !== undefined && skip !== false) return 'skipped';
  if (todo !== undefined && todo !== false) return 'skipped';
  return event.type === 'test:pass' ? 'passed' : 'failed';
}

/** The error of the test, without the runner's own wrapping. */
function textOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return String((inner as { cause?: unknown } | null)?.cause ?? inner);
  const causes: string[] = [inner.stack ?? inner.message];
  for (let cause = inner.cause; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    causes.push(`caused by ${cause.stack ?? cause.message}`);
  }
  return causes.join('\n');
}
