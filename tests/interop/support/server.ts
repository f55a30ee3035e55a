/** A Strowger of its own for a test: fresh data folder, free ports, real processes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mediaPorts, openUdpPorts, type PortRange, serverPorts } from './ports.ts';
import { Program } from './program.ts';

const MAIN = fileURLToPath(new URL('../../../server/src/main.ts', import.meta.url));

export interface Person {
  readonly name: string;
  readonly extension: string;
  readonly password: string;
}

export interface ServerOptions {
  readonly people: readonly Person[];
  /** Keys of the configuration besides `domain`, `listen`, `media` and `people`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** How many ports for audio; a call takes four. */
  readonly mediaPorts?: number;
}

/** A configuration, and what tests need to know of it. */
export interface Configured {
  readonly yaml: string;
  /** Of SIP. */
  readonly port: number;
  readonly media: PortRange;
}

/** What `run/health.json` says, as far as tests look. */
export interface Health {
  readonly at: number;
  readonly calls: number;
  readonly bindings: number;
  readonly clientTransactions: number;
  readonly serverTransactions: number;
  readonly dialogs: number;
  readonly timers: number;
  readonly watchedInvites: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly bounds: readonly { readonly name: string; readonly used: number; readonly refused: number }[];
}

/** A row of the table `cdrs`. */
export interface Cdr {
  readonly call_id: string;
  readonly started_at: number;
  readonly ringing_at: number | null;
  readonly answered_at: number | null;
  readonly ended_at: number;
  readonly caller: string;
  readonly callee: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly ended_by: string;
  readonly reason: string;
}

export const DOMAIN = 'example.test';

export class Server {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'strowger-interop-'));
  readonly data: string = join(this.folder, 'data');
  readonly port: number;
  readonly media: PortRange;
  /** What all its processes printed, from the first start on. */
  printed = '';
  #program: Program | undefined;

  private constructor({ port, media, yaml }: Configured) {
    this.port = port;
    this.media = media;
    writeFileSync(join(this.folder, 'config.yaml'), yaml);
  }

  static start(options: ServerOptions): Promise<Server> {
    const port = serverPorts();
    const count = options.mediaPorts ?? 400;
    const first = mediaPorts(count);
    const media = { first, last: first + count - 1 };
    const config = {
      domain: DOMAIN,
      listen: [`udp://127.0.0.1:${port}`, `tcp://127.0.0.1:${port}`, `udp://[::1]:${port}`, `tcp://[::1]:${port}`],
      http: { listen: [] },
      media: { ports: `${media.first}-${media.last}` },
      people: options.people,
      ...options.config,
    };
    // JSON is YAML.
    return Server.startWith({ port, media, yaml: JSON.stringify(config, undefined, 1) });
  }

  /** With a configuration as somebody wrote it. */
  static async startWith(configured: Configured): Promise<Server> {
    const server = new Server(configured);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const args = [MAIN, '--data', this.data, '--config', join(this.folder, 'config.yaml')];
    this.#program = new Program('strowger', process.execPath, args);
    await this.#program.until('Strowger is ready', (output) => output.includes('Strowger is ready.'), 20_000);
  }

  get program(): Program {
    if (!this.#program) throw new Error('the server was not started');
    return this.#program;
  }

  pid(role: 'signalling' | 'media'): number {
    return Number(readFileSync(join(this.data, 'run', `${role}.pid`), 'utf8'));
  }

  /** `kill -9` of one process; resolves when the supervisor has another one of it ready, with how long that took. */
  async kill(role: 'signalling' | 'media'): Promise<number> {
    const { program } = this;
    const ready = (output: string): number =>
      output.split('\n').filter((line) => line.includes(`"process":"${role}"`) && line.includes('"event":"ready"'))
        .length;
    const before = ready(program.output);
    const started = performance.now();
    process.kill(this.pid(role), 'SIGKILL');
    await program.until(`${role} is ready again`, (output) => ready(output) > before, 15_000);
    return performance.now() - started;
  }

  /** `kill -9` of everything: the supervisor first, or it would start again what dies. */
  async killAll(): Promise<void> {
    const pids = [this.program.pid, this.pid('signalling'), this.pid('media')];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await this.program.exit(5_000);
    this.printed += this.program.output;
    this.#program = undefined;
  }

  health(): Health {
    return JSON.parse(readFileSync(join(this.data, 'run', 'health.json'), 'utf8')) as Health;
  }

  /** Waits until health satisfies; rejects with what it says instead. */
  async healthy(what: string, wanted: (health: Health) => boolean, ms: number): Promise<Health> {
    const end = performance.now() + ms;
    for (;;) {
      const health = this.health();
      if (wanted(health)) return health;
      if (performance.now() > end) {
        throw this.program.failure(`${what}: not after ${ms / 1000} s; health says ${JSON.stringify(health)}`);
      }
      await sleep(200);
    }
  }

  /** Oldest first. */
  cdrs(): readonly Cdr[] {
    const database = new DatabaseSync(join(this.data, 'strowger.db'), { readOnly: true });
    try {
      return database.prepare('SELECT * FROM cdrs ORDER BY started_at, id').all() as unknown as Cdr[];
    } finally {
      database.close();
    }
  }

  /** The record of the newest call between two; waits for it, as it is written after the call. */
  async cdr(caller: string, callee: string, ms = 5_000): Promise<Cdr> {
    const end = performance.now() + ms;
    for (;;) {
      const found = this.cdrs().findLast((row) => row.caller === caller && row.callee === callee);
      if (found) return found;
      if (performance.now() > end) {
        throw this.program.failure(
          `no record of a call from ${caller} to ${callee} after ${ms / 1000} s; there are ${JSON.stringify(this.cdrs())}`,
        );
      }
      await sleep(100);
    }
  }

  /** Ports of its media range that are open, one a socket. */
  openMediaPorts(): readonly number[] {
    return openUdpPorts(this.pid('media'), this.media);
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    if (this.#program) await this.#program.stop(10_000);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
