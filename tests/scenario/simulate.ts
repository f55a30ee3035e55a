/** `npm run simulate -- --seeds 100000` or `-- --seed 42`: calls over a bad network, as many as wanted. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formatReport, simulate } from './support/simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const { seed } = values;
const report = await simulate({
  first: Number(seed ?? values.first),
  count: seed === undefined ? Number(values.seeds) : 1,
  show: seed !== undefined,
  progress: (done, failed) => console.log(`${done} done, ${failed} failed`),
});
if (seed === undefined) console.log(report.failures());
console.log(formatReport(report));
process.exitCode = report.failed.length === 0 ? 0 : 1;
