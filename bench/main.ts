/**
 * `npm run bench`: CPU per operation, first within one process, then of the whole server. Prints a table and writes
 * bench/results/. `-- --quick` for a look, `-- --only NAME` (part of a name) for one of them.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { load, machine } from './machine.ts';
import { MICRO_BENCHES } from './micro/index.ts';
import type { MicroResult } from './micro/run.ts';
import { microTable, type Results, serverTable, writeResults } from './report.ts';
import { SERVER_BENCHES } from './server/index.ts';
import { runServerBench, type Seconds, type ServerResult } from './server/load.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    /** A sentence on the circumstances, kept with the figures. */
    note: { type: 'string' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = ({ name }: { readonly name: string }): boolean => name.includes(options.only ?? '');

const loadAtStart = load();
const micro: MicroResult[] = [];
for (const { name } of MICRO_BENCHES.filter(wanted)) {
  console.error(`  ${name} …`);
  micro.push(runMicro(name));
}
const server: ServerResult[] = [];
for (const bench of SERVER_BENCHES.filter(wanted)) {
  const seconds = secondsOf(bench.name);
  console.error(`  ${bench.name}, ${seconds.warm} s of load, then ${seconds.measured} s measured …`);
  server.push(await runServerBench(bench, seconds));
}
const results: Results = {
  at: new Date().toISOString(),
  what: options.quick ? 'quick' : (options.only?.replaceAll(' ', '-') ?? 'all'),
  ...(options.note === undefined ? {} : { note: options.note }),
  machine: machine(root),
  load: { atStart: loadAtStart, atEnd: load() },
  micro,
  server,
};
if (micro.length > 0) console.log(`\n${microTable(micro)}`);
if (server.length > 0) console.log(`\n${serverTable(server)}`);
console.log(`\nWritten to ${writeResults(root, results)}`);

function runMicro(name: string): MicroResult {
  const script = fileURLToPath(new URL('micro/run.ts', import.meta.url));
  const seconds = options.quick ? 0.7 : 3;
  return JSON.parse(execFileSync(process.execPath, [script, name, String(seconds)], { encoding: 'utf8' }));
}

/** 64·T1 is 32 s: until then a server holds fewer transactions each second than it will in the long run. */
function secondsOf(name: string): Seconds {
  if (options.quick) return { warm: 1, measured: 2 };
  return name === 'call' ? { warm: 40, measured: 30 } : { warm: 10, measured: 15 };
}
