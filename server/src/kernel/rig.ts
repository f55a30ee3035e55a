/**
 * A kernel to test with: real but for its world, which is a clock that stands still, a list of what was sent and a
 * journal in memory. Modules are set up in it as in a server, and spoken to in octets.
 */
import {
  asMono,
  assumeOctets,
  asWall,
  type Destination,
  type Flow,
  later,
  type Mono,
  type Octets,
  TimerWheel,
  type Wall,
} from '@strowger/proto';
import { HASHES } from '@strowger/sip/auth';
import { parseConfig } from '../config/load.ts';
import type { MediaPort } from '../media/port.ts';
import type { StoreClient, StoreDefinition } from '../storage/define-store.ts';
import { JournalMemory, openMemoryJournal } from '../storage/journal-memory.ts';
import { journalSpaces } from '../storage/journal-spaces.ts';
import type { ModuleContext } from './context.ts';
import type { Listening, ServerHost, Transports } from './host.ts';
import type { Log, LogFields } from './log.ts';
import { defineModule, type ServerModule } from './module.ts';
import { Kernel } from './server.ts';

export interface RigOptions {
  /** Lines of a configuration file. */
  readonly config?: string;
  readonly disk?: JournalMemory;
  readonly media?: Partial<MediaPort>;
  readonly store?: (definition: StoreDefinition) => unknown;
  readonly modules?: readonly ServerModule[];
}

export interface SentMessage {
  readonly text: Octets;
  readonly to: Destination;
}

/** The phone that `deliver` speaks for unless told otherwise. */
export const PHONE: Flow = {
  transport: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '198.51.100.7', port: 5062 },
};

const START = 1_700_000_000_000;

export class Rig {
  readonly kernel: Kernel;
  readonly transports: RigTransports = new RigTransports();
  readonly disk: JournalMemory;
  readonly logged: { readonly level: keyof Log; readonly event: string; readonly fields: LogFields }[] = [];
  readonly published: Map<string, unknown> = new Map();
  readonly wheel: TimerWheel = new TimerWheel(asMono(0));
  #now: Mono = asMono(0);
  #endOfTurn: (() => void)[] = [];
  #seed = 1;

  constructor(options: RigOptions = {}) {
    this.disk = options.disk ?? new JournalMemory();
    this.kernel = new Kernel(this.#host(options), { traceBytes: 65_536 });
  }

  get now(): Mono {
    return this.#now;
  }

  get wall(): Wall {
    return asWall(START + this.#now);
  }

  /** Everything sent so far, and forgotten here. */
  take(): readonly SentMessage[] {
    this.endTurn();
    return this.transports.sent.splice(0);
  }

  /** The start lines of what was sent, for transcripts. */
  takeLines(): readonly string[] {
    return this.take().map(({ text }) => text.split('\r\n', 1)[0] ?? '');
  }

  /** A message as it came off the wire: lines, and a body after an empty one. */
  deliver(lines: readonly string[], flow: Flow = PHONE): void {
    const at = lines.indexOf('');
    const head = at < 0 ? lines : lines.slice(0, at);
    const body = at < 0 ? '' : lines.slice(at + 1).join('\r\n');
    const text = `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    this.transports.receive(assumeOctets(text), flow);
  }

  /** Delivers, and says what was answered. */
  ask(lines: readonly string[], flow: Flow = PHONE): readonly SentMessage[] {
    this.deliver(lines, flow);
    return this.take();
  }

  endTurn(): void {
    for (const run of this.#endOfTurn.splice(0)) run();
  }

  /** Time passes; timers fire. */
  advance(ms: number): void {
    const end = later(this.#now, ms);
    for (let due = this.wheel.nextDue(); due !== undefined && due <= end; due = this.wheel.nextDue()) {
      this.#now = asMono(Math.max(due, this.#now));
      this.wheel.advance(this.#now);
      this.endTurn();
    }
    this.#now = end;
    this.wheel.advance(end);
    this.endTurn();
  }

  events(): readonly string[] {
    return this.logged.map(({ event }) => event);
  }

  #host(options: RigOptions): ServerHost {
    const read = parseConfig(options.config ?? 'domain: example.test', { hostname: 'rig' });
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    return {
      clock: { now: () => this.#now, wall: () => this.wall },
      random: { fill: (into) => this.#fill(into) },
      hashes: HASHES,
      wheel: this.wheel,
      log: this.#log({}),
      config: read.config,
      secrets: {
        nonceKey: assumeOctets('0123456789abcdef'),
        seal: (plain, about) => `${about}|${plain}`,
        open: (sealed) => sealed.slice(sealed.indexOf('|') + 1),
        mark: (plain, about) => `${about}#${plain}`,
      },
      transports: this.transports,
      media: { ...NO_MEDIA, ...options.media },
      journal: journalSpaces(openMemoryJournal(this.disk, this.wall)),
      store: <D extends StoreDefinition>(definition: D) => (options.store?.(definition) ?? {}) as StoreClient<D>,
      publish: (name, value) => void this.published.set(name, value),
      poke() {},
      endOfTurn: (run) => void this.#endOfTurn.push(run),
    };
  }

  #log(base: LogFields): Log {
    const at =
      (level: keyof Log) =>
      (event: string, fields: LogFields = {}) =>
        void this.logged.push({ level, event, fields: { ...base, ...fields } });
    const child = (fields: LogFields): Log => this.#log({ ...base, ...fields });
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child };
  }

  /** Minstd: the same bytes in every run. */
  #fill<T extends Uint8Array>(into: T): T {
    for (let i = 0; i < into.length; i += 1) {
      this.#seed = (this.#seed * 48_271) % 0x7fffffff;
      into[i] = this.#seed >>> 8;
    }
    return into;
  }
}

/** A rig with these modules, ready. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const rig = new Rig(options);
  await rig.kernel.start(options.modules ?? []);
  return rig;
}

/** A module whose whole wiring is a function: what a test needs of the others. */
export function asModule(
  setup: (context: ModuleContext) => void | Promise<void>,
  o: Partial<Pick<ServerModule, 'name' | 'needs' | 'offers'>> = {},
): ServerModule {
  return defineModule({ name: 'test', needs: [], offers: [], ...o, setup });
}

const NO_MEDIA: MediaPort = {
  allocate: () => new Promise(() => {}),
  connect: () => Promise.resolve(),
  release: () => Promise.resolve(undefined),
  list: () => Promise.resolve([]),
  adopt: () => Promise.resolve([]),
  onEvent() {},
};

class RigTransports implements Transports {
  readonly sent: SentMessage[] = [];
  readonly listening: Listening[] = [
    { transport: 'udp', address: { address: '192.0.2.1', port: 5060 } },
    { transport: 'tcp', address: { address: '192.0.2.1', port: 5060 } },
  ];
  /** Connections that are gone. */
  readonly closed: Set<number> = new Set();
  /** Called before each message leaves; what it throws, sending throws. */
  beforeSend: (message: SentMessage) => void = () => {};
  #receive: (text: Octets, flow: Flow) => void = () => {};

  receive(text: Octets, flow: Flow): void {
    this.#receive(text, flow);
  }

  onMessage(handler: (text: Octets, flow: Flow) => void): void {
    this.#receive = handler;
  }

  onClosed(): void {}
  onSendFailed(): void {}
  onSent(): void {}

  send(text: Octets, to: Destination, local: Listening | undefined): Flow {
    this.beforeSend({ text, to });
    this.sent.push({ text, to });
    if (to.kind === 'flow') return to.flow;
    return { transport: to.transport, local: local?.address ?? PHONE.local, remote: to.remote };
  }

  isLive({ connection }: Flow): boolean {
    return connection === undefined || (connection >= 0 && !this.closed.has(connection));
  }
}
