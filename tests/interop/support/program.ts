/** A program that a test starts: what it said, whether it has ended, and an end by its own process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Enough to see what went wrong; a program that talks without end must not fill memory. */
const MOST_KEPT = 256 * 1024;
const LINES_SHOWN = 40;

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const running = new Set<Program>();

/** Stops every program that this process has started: also those of a set-up that failed half-way. */
export async function stopPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

export class Program {
  readonly name: string;
  readonly child: ChildProcess;
  #output = '';
  #ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(name: string, command: string, args: readonly string[], options: ProgramOptions = {}) {
    this.name = name;
    this.child = spawn(command, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-MOST_KEPT);
      for (const look of this.#waiting) look();
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
    running.add(this);
    const end = (): void => {
      this.#ended = true;
      running.delete(this);
      for (const look of this.#waiting) look();
    };
    this.child.on('error', (error) => {
      keep(Buffer.from(`\n${error.message}\n`));
      end();
    });
    this.child.on('exit', end);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Everything it has printed so far, the newest if that is much. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when `seen` accepts its output; rejects, showing the output, when it ends before or takes too long. */
  async until(what: string, seen: (output: string) => boolean, ms = 15_000): Promise<void> {
    if (seen(this.#output)) return;
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const look = (): void => {
        if (seen(this.#output)) done(resolve);
        else if (this.#ended) done(() => reject(this.failure(`ended before ${what}`)));
      };
      const timer = setTimeout(() => done(() => reject(this.failure(`${what}: not within ${ms / 1000} s`))), ms);
      this.#waiting.add(look);
      look();
    });
  }

  /** Its exit code, or the signal that ended it. */
  async exit(ms: number): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null && !this.#ended) {
      const timer = new AbortController();
      const late = setTimeout(() => timer.abort(), ms);
      try {
        await once(this.child, 'exit', { signal: timer.signal });
      } catch {
        throw this.failure(`has not ended after ${ms / 1000} s`);
      } finally {
        clearTimeout(late);
      }
    }
    return this.child.exitCode ?? this.child.signalCode ?? -1;
  }

  /** Ends it; by force when it takes longer than `ms`. */
  async stop(ms = 3_000): Promise<void> {
    if (this.#ended) return;
    this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), ms);
    await this.exit(ms + 2_000).finally(() => clearTimeout(force));
  }

  /** An error that shows the last of what it printed. */
  failure(why: string): Error {
    const lines = this.#output.trimEnd().split('\n').slice(-LINES_SHOWN);
    return new Error(`${this.name}: ${why}. The last it printed:\n${lines.map((line) => `    ${line}`).join('\n')}`);
  }
}
