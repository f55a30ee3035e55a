/** What a figure is worth nothing without: the machine, its kernel, the versions, the commit, and who else was at work. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
  readonly openssl: string;
  readonly strowger: string;
  readonly commit: string;
  /** Files changed since that commit, so that nobody takes a figure for what the commit gives. */
  readonly changed: number;
}

export function machine(root: string): Machine {
  const all = cpus();
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string };
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    kernel: `${type()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    openssl: process.versions.openssl,
    strowger: version,
    commit: git(root, 'rev-parse', 'HEAD'),
    changed: git(root, 'status', '--porcelain', '--untracked-files=no').split('\n').filter(Boolean).length,
  };
}

/** The load average of the last minute. */
export const load = (): number => loadavg()[0] ?? 0;

function git(root: string, ...args: readonly string[]): string {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown'; // A checkout without its history is still worth measuring.
  }
}
