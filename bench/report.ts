/** What a run found, as a table for people and as a file for the next one to be compared with. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Machine } from './machine.ts';
import type { MicroResult } from './micro/run.ts';
import type { ServerResult } from './server/load.ts';

export interface Results {
  /** UTC. */
  readonly at: string;
  readonly what: string;
  readonly note?: string;
  readonly machine: Machine;
  /** Load average of the minute before. */
  readonly load: { readonly atStart: number; readonly atEnd: number };
  readonly micro: readonly MicroResult[];
  readonly server: readonly ServerResult[];
}

export function microTable(results: readonly MicroResult[]): string {
  return table(
    ['within one process', 'µs CPU/op', 'best', 'worst', 'ops/s', 'heap MB'],
    results.map(({ name, cpuPerOp, cpuBest, cpuWorst, opsPerSecond, heapMb }) => [
      name,
      cpuPerOp.toFixed(2),
      cpuBest.toFixed(2),
      cpuWorst.toFixed(2),
      Math.round(opsPerSecond).toString(),
      heapMb.toFixed(0),
    ]),
  );
}

export function serverTable(results: readonly ServerResult[]): string {
  return table(
    [
      'whole server',
      'µs CPU/op',
      'signalling',
      'media',
      'superv.',
      'ops/s',
      'p50 ms',
      'p99 ms',
      'failed',
      'RSS MB',
      'foreign',
    ],
    results.map((r) => [
      r.name,
      r.cpuPerOp.toFixed(0),
      r.cpuPerOpByProcess.signalling.toFixed(0),
      r.cpuPerOpByProcess.media.toFixed(0),
      r.cpuPerOpByProcess.supervisor.toFixed(0),
      r.opsPerSecond.toFixed(0),
      r.latencyMs.p50.toFixed(1),
      r.latencyMs.p99.toFixed(1),
      r.failed.toString(),
      r.rssMb.toFixed(0),
      `${(r.foreignCores * 100).toFixed(0)} %`,
    ]),
  );
}

/** Returns where, relative to the root. A second run of a day does not overwrite the first. */
export function writeResults(root: string, results: Results): string {
  const folder = join(root, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const name = `${results.at.slice(0, 10)}-${results.what}`;
  let file = join(folder, `${name}.json`);
  for (let n = 2; existsSync(file); n += 1) file = join(folder, `${name}-${n}.json`);
  writeFileSync(file, `${JSON.stringify(results, rounded, 2)}\n`);
  return relative(root, file);
}

/** Digits that no measurement has. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
