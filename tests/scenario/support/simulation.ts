/** Many seeds one after another, and what became of them. */
import { performance } from 'node:perf_hooks';
import { type DrillResult, drill } from './drill.ts';

/** Ladders printed of failures; of the rest the seeds. */
const LADDERS = 2;

export interface SimulationReport {
  readonly count: number;
  readonly failed: readonly DrillResult[];
  /** How many runs ended how. */
  readonly fates: ReadonlyMap<string, number>;
  readonly packets: number;
  readonly seconds: number;
  failures(): string;
}

export interface SimulationOptions {
  readonly first: number;
  readonly count: number;
  /** Prints each story, whatever became of it. */
  readonly show?: boolean;
  /** Told of the progress, now and then. */
  readonly progress?: (done: number, failed: number) => void;
}

export async function simulate({ first, count, show, progress }: SimulationOptions): Promise<SimulationReport> {
  const failed: DrillResult[] = [];
  const fates = new Map<string, number>();
  const begun = performance.now();
  let packets = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const result = await drill(seed);
    if (show) console.log(result.story());
    packets += result.packets;
    fates.set(result.fate, (fates.get(result.fate) ?? 0) + 1);
    if (result.problems.length > 0) failed.push(failed.length < LADDERS ? result : withoutStory(result));
    if (progress && (seed - first + 1) % 1000 === 0) progress(seed - first + 1, failed.length);
  }
  const seconds = (performance.now() - begun) / 1000;
  return {
    count,
    failed,
    fates,
    packets,
    seconds,
    failures: () => failed.map((result) => result.story()).join('\n\n'),
  };
}

export function formatReport({ count, failed, fates, packets, seconds }: SimulationReport): string {
  const outcomes = [...fates].map(([fate, n]) => `${n} ${fate}`).join(', ');
  const each = ((seconds / count) * 1000).toFixed(1);
  return `${count} seeds in ${seconds.toFixed(1)} s, ${each} ms each, ${packets} packets; ${outcomes}; ${failed.length} failed`;
}

/** Its packets would keep hundreds of kilobytes alive. */
function withoutStory(result: DrillResult): DrillResult {
  const { seed, problems } = result;
  return { ...result, story: () => `seed ${seed}: ${problems.join('; ')}` };
}
