/**
 * One micro bench in a process of its own, so that none inherits the shapes and the garbage of another:
 * `micro/run.ts NAME SECONDS`, one line of JSON on stdout.
 */
import type { MicroBench } from './bench.ts';
import { MICRO_BENCHES } from './index.ts';

export interface MicroResult {
  readonly name: string;
  readonly operation: string;
  /** Median over the rounds of user + system time of all threads, in microseconds. */
  readonly cpuPerOp: number;
  readonly cpuBest: number;
  readonly cpuWorst: number;
  readonly opsPerSecond: number;
  readonly rounds: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly facts: Readonly<Record<string, number>>;
}

const ROUNDS = 9;
/** Seconds from which on a bench is given the time to fill up. */
const QUICK = 1;

const [name, seconds] = process.argv.slice(2);
const bench = MICRO_BENCHES.find((each) => each.name === name);
if (bench === undefined || seconds === undefined) {
  console.error(`Usage: micro/run.ts NAME SECONDS. Names: ${MICRO_BENCHES.map((each) => each.name).join(', ')}`);
  process.exitCode = 2;
} else {
  console.log(JSON.stringify(measure(bench, Number(seconds))));
}

/** A third of the time to warm up and to find out how many operations make a round; the rest in rounds of equal size. */
function measure({ name, operation, warmOps = 0, prepare }: MicroBench, seconds: number): MicroResult {
  const { run, facts } = prepare();
  if (seconds > QUICK) run(warmOps);
  const warmUntil = performance.now() + (seconds * 1000) / 3;
  let size = 100;
  let perSecond = 0;
  while (performance.now() < warmUntil) {
    const at = performance.now();
    run(size);
    const took = performance.now() - at;
    perSecond = (size / took) * 1000;
    if (took < 50) size *= 2;
  }
  const perRound = Math.max(1, Math.round((perSecond * seconds * 2) / 3 / ROUNDS));
  const costs: number[] = [];
  let wall = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const cpu = process.cpuUsage();
    const at = performance.now();
    run(perRound);
    wall += performance.now() - at;
    const { user, system } = process.cpuUsage(cpu);
    costs.push((user + system) / perRound);
  }
  costs.sort((a, b) => a - b);
  const memory = process.memoryUsage();
  return {
    name,
    operation,
    cpuPerOp: costs[(ROUNDS - 1) / 2] ?? 0,
    cpuBest: costs[0] ?? 0,
    cpuWorst: costs.at(-1) ?? 0,
    opsPerSecond: (perRound * ROUNDS * 1000) / wall,
    rounds: ROUNDS,
    rssMb: memory.rss / 2 ** 20,
    heapMb: memory.heapUsed / 2 ** 20,
    facts: facts?.() ?? {},
  };
}
