/** Strowger itself for tests and benches that want the real thing: its processes, a folder of their own, real sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../server/src/main.ts', import.meta.url));
const READY_WITHIN = 20_000;
const ENDS_WITHIN = 12_000;

export interface RunningServer {
  readonly folder: string;
  /** Supervisor, signalling and media, by name. */
  pids(): Readonly<Record<'supervisor' | 'signalling' | 'media', number>>;
  /** All that its processes have written so far. */
  output(): string;
  /** `run/health.json`: at most a second old. */
  health(): Readonly<Record<string, unknown>>;
  /** Ends it in order; true when it did so by itself, with code 0. */
  stop(): Promise<boolean>;
}

/** Starts it with this configuration (YAML) and waits until it says that it is ready. Its folder goes when it stops. */
export async function startServer(config: string): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-'));
  const file = join(folder, 'strowger.yaml');
  writeFileSync(file, config);
  const data = join(folder, 'data');
  const child = spawn(process.execPath, [MAIN, '--data', data, '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => output.push(text));
  // A test that dies must not leave a server behind.
  const orphaned = (): void => void child.kill('SIGKILL');
  process.on('exit', orphaned);
  try {
    await readiness(child, () => output.join(''));
  } catch (error) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const pid = (role: string): number => Number(readFileSync(join(data, 'run', `${role}.pid`), 'utf8'));
  return {
    folder: data,
    pids: () => ({ supervisor: child.pid ?? 0, signalling: pid('signalling'), media: pid('media') }),
    output: () => output.join(''),
    health: () => JSON.parse(readFileSync(join(data, 'run', 'health.json'), 'utf8')),
    async stop() {
      const code = await ended(child);
      process.off('exit', orphaned);
      rmSync(folder, { recursive: true, force: true });
      return code === 0;
    },
  };
}

function readiness(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`the server ${why}:\n${output()}`));
    const timer = setTimeout(() => fail(`was not ready within ${READY_WITHIN} ms`), READY_WITHIN);
    child.stdout?.on('data', () => {
      if (!output().includes('Strowger is ready.')) return;
      clearTimeout(timer);
      resolve();
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended by itself (${signal ?? code})`);
    });
  });
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
    child.kill('SIGTERM');
  });
}

/** A hundred ports for a server's media, one of a few such stretches. */
export function mediaPorts(): string {
  const first = 18_500 + 100 * Math.floor(Math.random() * 5);
  return `${first}-${first + 99}`;
}

/** A port of 127.0.0.1 that is free for UDP and TCP, from the stretch that tests use. */
export async function freePort(first = 18_000, last = 18_499): Promise<number> {
  const from = first + Math.floor(Math.random() * (last - first));
  for (let i = 0; i <= last - first; i += 1) {
    const port = first + ((from - first + i) % (last - first + 1));
    if ((await udpFree(port)) && (await tcpFree(port))) return port;
  }
  throw new Error(`no port is free from ${first} to ${last}`);
}

function udpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function tcpFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
