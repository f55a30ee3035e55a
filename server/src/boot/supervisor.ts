/** Two children and what to do when one dies: start it again, sooner at first, later if it keeps dying. */
import { type ChildProcess, fork } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/schema.ts';
import type { DataPaths } from './data-folder.ts';
import type { FromSignalling, SignallingReady, ToSignalling } from './messages.ts';

const FIRST_WAIT = 50;
const LONGEST_WAIT = 5_000;
/** One that lived so long has earned a quick restart again. */
const STEADY = 30_000;
/** One that dies so often before all was ever ready will not live: somebody is waiting for an answer. */
const HOPELESS = 5;
/** A child that does not end when told is killed. */
const PATIENCE = 8_000;
/** Young objects die young here: a small nursery keeps each collector pause at a millisecond or two. */
const NODE_FLAGS: Readonly<Record<Role, readonly string[]>> = {
  signalling: ['--max-semi-space-size=8'],
  media: ['--max-semi-space-size=2'],
};

type Role = 'signalling' | 'media';

export interface SupervisorOptions {
  readonly paths: DataPaths;
  readonly config: Config;
  /** What each role runs; replaced in tests. */
  readonly scripts?: Readonly<Record<Role, URL>>;
}

const SCRIPTS: Readonly<Record<Role, URL>> = {
  signalling: new URL('./signalling.ts', import.meta.url),
  media: new URL('./media.ts', import.meta.url),
};

interface Child {
  readonly role: Role;
  process: ChildProcess | undefined;
  wait: number;
  startedAt: number;
  deaths: number;
  again: NodeJS.Timeout | undefined;
}

export class Supervisor {
  readonly #o: SupervisorOptions;
  readonly #children: Record<Role, Child> = { signalling: child('signalling'), media: child('media') };
  readonly #onReady: ((ready: SignallingReady) => void)[] = [];
  #everReady = false;
  #stopping = false;
  #done: (code: number) => void = () => {};

  constructor(options: SupervisorOptions) {
    this.#o = options;
  }

  /** Told of the first time that signalling is ready. */
  onReady(handler: (ready: SignallingReady) => void): void {
    this.#onReady.push(handler);
  }

  /** Resolves with the exit code when all has ended. */
  run(): Promise<number> {
    const done = new Promise<number>((resolve) => {
      this.#done = resolve;
    });
    this.#start('media');
    this.#start('signalling');
    return done;
  }

  announced(): void {
    this.#tell({ kind: 'announced' });
  }

  /** Signalling first, so that calls are ended properly; then media. */
  stop(why: string): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // What was to be started again need not be.
    for (const { again } of Object.values(this.#children)) clearTimeout(again);
    console.log(`\nStrowger is stopping (${why}) …`);
    if (!this.#end('signalling')) this.#finish(0);
  }

  #start(role: Role): void {
    const script = (this.#o.scripts ?? SCRIPTS)[role];
    const args = role === 'media' ? ['--data', this.#o.paths.root, '--options', this.#mediaOptions()] : [];
    const started = fork(fileURLToPath(script), args, {
      execArgv: [...NODE_FLAGS[role]],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // V8's structured clone keeps a configuration what it is; JSON would lose nothing today, and something tomorrow.
      serialization: 'advanced',
    });
    const self = this.#children[role];
    self.process = started;
    self.startedAt = performance.now();
    writeFileSync(this.#pidFile(role), `${started.pid}\n`, { mode: 0o600 });
    started.on('exit', (code, signal) => this.#exited(role, signal ?? code ?? 0));
    started.on('error', (error) => {
      console.error(`the ${role} process: ${error.message}`);
      // One that was never born does not exit either.
      if (started.pid === undefined) this.#exited(role, error.message);
    });
    if (role === 'signalling') {
      started.on('message', (message: FromSignalling) => this.#heard(message));
      this.#tell({ kind: 'start', data: this.#o.paths.root, config: this.#o.config });
    }
  }

  #heard(message: FromSignalling): void {
    if (message.kind === 'failed') {
      console.error(`Strowger cannot start: ${message.message}`);
      // What it could not do at first it will not be able to do in a second; what it could, it may again.
      if (!this.#everReady) this.#fail();
      return;
    }
    if (this.#everReady) return;
    this.#everReady = true;
    for (const handler of this.#onReady) handler(message);
  }

  #fail(): void {
    this.#stopping = true;
    for (const { again } of Object.values(this.#children)) clearTimeout(again);
    if (!this.#end('signalling')) this.#finish(1);
  }

  #exited(role: Role, how: string | number): void {
    const self = this.#children[role];
    self.process = undefined;
    rmSync(this.#pidFile(role), { force: true });
    if (this.#stopping) return this.#finish(this.#everReady ? 0 : 1);
    self.deaths += 1;
    if (!this.#everReady && self.deaths >= HOPELESS) {
      console.error(`Strowger cannot start: its ${role} process ended ${self.deaths} times (${how}); see above`);
      return this.#fail();
    }
    const lived = performance.now() - self.startedAt;
    self.wait = lived > STEADY ? FIRST_WAIT : Math.min(self.wait * 2, LONGEST_WAIT);
    console.error(`the ${role} process ended (${how}); it is started again`);
    self.again = setTimeout(() => this.#start(role), self.wait);
  }

  /** Ends what is left, and then all. */
  #finish(code: number): void {
    if (this.#children.signalling.process) return;
    if (this.#children.media.process) return void this.#end('media');
    if (code === 0) console.log('Strowger has stopped.');
    this.#done(code);
  }

  #end(role: Role): boolean {
    const { process } = this.#children[role];
    if (!process) return false;
    process.kill('SIGTERM');
    setTimeout(() => process.kill('SIGKILL'), PATIENCE).unref();
    return true;
  }

  #tell(message: ToSignalling): void {
    this.#children.signalling.process?.send(message);
  }

  #mediaOptions(): string {
    const { ports, idleSeconds, orphanSeconds } = this.#o.config.media;
    return JSON.stringify({
      ports: `${ports.first}-${ports.last}`,
      timing: { idleAfter: idleSeconds * 1000, orphanSilence: orphanSeconds * 1000 },
    });
  }

  #pidFile(role: Role): string {
    return role === 'media' ? this.#o.paths.mediaPid : this.#o.paths.signallingPid;
  }
}

const child = (role: Role): Child => ({
  role,
  process: undefined,
  wait: FIRST_WAIT / 2,
  startedAt: 0,
  deaths: 0,
  again: undefined,
});
