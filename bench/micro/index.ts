import type { MicroBench } from './bench.ts';
import { parseBenches } from './parse.ts';
import { spliceBench } from './splice.ts';
import { stackBenches } from './stack.ts';
import { transactionBenches } from './transaction.ts';

/** All that is measured within one process. */
export const MICRO_BENCHES: readonly MicroBench[] = [
  ...parseBenches,
  spliceBench,
  ...transactionBenches,
  ...stackBenches,
];
