/** One load on the whole server over loopback UDP: starts it, loads it, reads its processes' CPU, and ends it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Login } from '../../tests/support/digest.ts';
import { freePort, type RunningServer, startServer } from '../../tests/support/server.ts';
import { cpuOf, cpuOfAll, rssOf } from '../cpu.ts';
import type { Command, Job, Report, Tally } from '../generator/job.ts';

export interface ServerBench {
  readonly name: string;
  /** One operation, in words. */
  readonly operation: string;
  readonly kind: Job['kind'];
  readonly people: number;
  readonly window: number;
  /** Whether the callers are known by their address and need no credentials. */
  readonly trusted: boolean;
}

export interface Seconds {
  /** Load before anything is measured: compiled code, and for calls the transactions of the last 64·T1. */
  readonly warm: number;
  readonly measured: number;
}

type Role = 'supervisor' | 'signalling' | 'media';
type ByRole = Readonly<Record<Role, number>>;

export interface ServerResult {
  readonly name: string;
  readonly operation: string;
  readonly window: number;
  readonly seconds: Seconds;
  /** Microseconds of CPU per operation, user and system, all threads. */
  readonly cpuPerOp: number;
  readonly cpuPerOpByProcess: ByRole;
  readonly opsPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly worst: number };
  readonly done: number;
  readonly failed: number;
  readonly failure?: string;
  readonly resent: number;
  /** At the end of the load. */
  readonly rssMb: number;
  readonly rssMbByProcess: ByRole;
  readonly rssMbAtStart: number;
  /** Of one core while measuring: the generator's, and everybody else's but the server's and this process's. */
  readonly generatorCores: number;
  readonly foreignCores: number;
  /** What the server held at the end, by its own account. */
  readonly held: Readonly<Record<string, number>>;
}

export async function runServerBench(bench: ServerBench, seconds: Seconds): Promise<ServerResult> {
  const port = await freePort();
  const people = logins(bench.people);
  const server = await startServer(configOf(bench, port, people));
  try {
    const rssMbAtStart = sum(perRole(server, rssMb));
    const generator = await startGenerator({
      kind: bench.kind,
      server: { address: '127.0.0.1', port },
      domain: 'bench.test',
      logins: people,
      window: bench.window,
      mediaPort: 19_000,
    });
    try {
      return await measure(bench, seconds, server, generator, rssMbAtStart);
    } finally {
      await generator.stop();
    }
  } finally {
    await server.stop();
  }
}

async function measure(
  bench: ServerBench,
  seconds: Seconds,
  server: RunningServer,
  generator: Generator,
  rssMbAtStart: number,
): Promise<ServerResult> {
  await wait(seconds.warm);
  await generator.tally();
  const before = snapshot(server, generator);
  await wait(seconds.measured);
  const tally = await generator.tally();
  const after = snapshot(server, generator);
  const wall = (after.at - before.at) / 1000;
  const used = (role: Role): number => after.server[role] - before.server[role];
  const perOp = (role: Role): number => (used(role) * 1e6) / Math.max(1, tally.done);
  const cpuPerOpByProcess = { supervisor: perOp('supervisor'), signalling: perOp('signalling'), media: perOp('media') };
  const total = used('supervisor') + used('signalling') + used('media');
  const generated = after.generator - before.generator;
  const rss = perRole(server, rssMb);
  const { done, failed, resent, failure, p50, p99, worst } = tally;
  return {
    name: bench.name,
    operation: bench.operation,
    window: bench.window,
    seconds,
    cpuPerOp: sum(cpuPerOpByProcess),
    cpuPerOpByProcess,
    opsPerSecond: done / wall,
    latencyMs: { p50, p99, worst },
    done,
    failed,
    ...(failure === undefined ? {} : { failure }),
    resent,
    rssMb: sum(rss),
    rssMbByProcess: rss,
    rssMbAtStart,
    generatorCores: generated / wall,
    foreignCores: Math.max(0, (after.all - before.all - total - generated - (after.self - before.self)) / wall),
    held: numbersOf(server.health()),
  };
}

interface Generator {
  readonly pid: number;
  tally(): Promise<Tally>;
  stop(): Promise<void>;
}

async function startGenerator(job: Job): Promise<Generator> {
  const child = fork(fileURLToPath(new URL('../generator/main.ts', import.meta.url)), [JSON.stringify(job)]);
  const send = (command: Command): void => void child.send(command);
  await next(child, 'ready');
  return {
    pid: child.pid ?? 0,
    async tally() {
      send({ kind: 'tally' });
      return next(child, 'tally');
    },
    async stop() {
      if (child.exitCode !== null) return;
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      send({ kind: 'stop' });
      await gone;
    },
  };
}

function next<K extends Report['kind']>(child: ChildProcess, kind: K): Promise<Extract<Report, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const failed = (code: number | null): void => reject(new Error(`the generator ended (${code})`));
    const hear = (report: Report): void => {
      if (report.kind !== kind) return;
      child.off('message', hear);
      child.off('exit', failed);
      resolve(report as Extract<Report, { kind: K }>);
    };
    child.on('message', hear);
    child.once('exit', failed);
  });
}

interface Snapshot {
  readonly at: number;
  readonly server: ByRole;
  readonly generator: number;
  readonly self: number;
  readonly all: number;
}

const snapshot = (server: RunningServer, generator: Generator): Snapshot => ({
  at: performance.now(),
  server: perRole(server, cpuOf),
  generator: cpuOf(generator.pid),
  self: cpuOf(process.pid),
  all: cpuOfAll(),
});

function perRole(server: RunningServer, read: (pid: number) => number): ByRole {
  const { supervisor, signalling, media } = server.pids();
  return { supervisor: read(supervisor), signalling: read(signalling), media: read(media) };
}

const rssMb = (pid: number): number => rssOf(pid) / 2 ** 20;
const sum = ({ supervisor, signalling, media }: ByRole): number => supervisor + signalling + media;
const wait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const logins = (n: number): readonly Login[] =>
  Array.from({ length: n }, (_, i) => ({ user: String(1001 + i), password: `bench-secret-${1001 + i}` }));

function numbersOf(health: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(health).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

function configOf({ trusted }: ServerBench, port: number, people: readonly Login[]): string {
  return `
domain: bench.test
listen: [udp://127.0.0.1:${port}]
http: { listen: [] }
media: { address: 127.0.0.1, ports: 19100-19999 }
trusted: [${trusted ? '127.0.0.1/32' : ''}]
limits: { requestsPerSecond: 1000000, transactions: 1000000 }
people:
${people.map(({ user, password }) => `  - { name: Person ${user}, extension: "${user}", password: ${password} }`).join('\n')}
`;
}
