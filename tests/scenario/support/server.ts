/**
 * A whole server on one virtual machine: the kernel with every module, storage in memory, a journal that outlives the
 * program, and media as a program of its own. Signalling and media can each be killed and started again.
 */
import { Buffer } from 'node:buffer';
import { fromBytes, TimerWheel } from '@strowger/proto';
import { HASHES } from '@strowger/sip/auth';
import {
  createPhone,
  type Leftovers,
  type Phone,
  type PhoneOptions,
  type VirtualHost,
  type VirtualNetwork,
} from '@strowger/testkit';
import { modules, stores } from '../../../server/src/boot/modules.ts';
import { secretKeys } from '../../../server/src/boot/secrets.ts';
import { parseConfig } from '../../../server/src/config/load.ts';
import type { Config } from '../../../server/src/config/schema.ts';
import { type Log, type LogFields, SILENT } from '../../../server/src/kernel/log.ts';
import { defineModule } from '../../../server/src/kernel/module.ts';
import { Kernel } from '../../../server/src/kernel/server.ts';
import { HostTransports } from '../../../server/src/kernel/transports.ts';
import { type CallsService, calls } from '../../../server/src/modules/calls/api.ts';
import { type CdrRow, cdrStore } from '../../../server/src/modules/cdr/store.ts';
import { DEFAULT_TENANT } from '../../../server/src/modules/directory/api.ts';
import { type Binding, type LocationService, location } from '../../../server/src/modules/location/api.ts';
import { openInProcessStorage } from '../../../server/src/storage/in-process.ts';
import type { Journal } from '../../../server/src/storage/journal.ts';
import { JournalMemory, openMemoryJournal } from '../../../server/src/storage/journal-memory.ts';
import { journalSpaces } from '../../../server/src/storage/journal-spaces.ts';
import type { Storage } from '../../../server/src/storage/storage.ts';
import { VirtualMedia } from './media.ts';

export const SERVER_ADDRESS = '192.0.2.100';
export const SERVER_ADDRESS_V6 = '2001:db8::100';
const KEYS = secretKeys(Buffer.alloc(32, 1), Buffer.alloc(32, 2));

export interface ServerOptions {
  /** Extensions; each one's password is `secret-` and the extension. Default 1001 to 1003. */
  readonly people?: readonly string[];
  /** More lines of the configuration file. */
  readonly config?: string;
  /** Whether its log lines of warning and above go to the console. */
  readonly loud?: boolean;
}

export interface ScenarioPhoneOptions extends Partial<PhoneOptions> {
  /** Of its machine. */
  readonly name?: string;
  /** Whether it has IPv6, and nothing else. */
  readonly v6?: boolean;
}

/** What a test asks of a running server, as a module would. */
interface Inside {
  readonly locations: LocationService;
  readonly calls: CallsService;
}

export class ScenarioServer {
  readonly network: VirtualNetwork;
  readonly config: Config;
  readonly media: VirtualMedia;
  /** What survives `kill -9` of signalling. */
  readonly disk: JournalMemory = new JournalMemory();
  /** Log events of level error, with their fields. */
  readonly errors: string[] = [];
  readonly #options: ServerOptions;
  readonly #signalling: VirtualHost;
  #storage: Storage | undefined;
  /** Timers of the modules themselves (sweeps, reports): there at the first start, when nothing else is. */
  #housekeeping: number | undefined;
  #kernel: Kernel | undefined;
  #inside: Inside | undefined;
  /** Which life of signalling this is: what an earlier one still says or writes is not heard. */
  #life = 0;
  #phones = 0;

  private constructor(network: VirtualNetwork, options: ServerOptions) {
    const machine = network.host('server', SERVER_ADDRESS, SERVER_ADDRESS_V6);
    this.network = network;
    this.#options = options;
    this.config = configOf(options);
    this.#signalling = machine.process('signalling');
    this.media = new VirtualMedia(machine, this.config);
  }

  /** A server that is up. */
  static async start(network: VirtualNetwork, options: ServerOptions = {}): Promise<ScenarioServer> {
    const server = new ScenarioServer(network, options);
    server.#storage = await openInProcessStorage({ stores, clock: network.clock });
    server.media.start();
    await server.restart();
    return server;
  }

  get isUp(): boolean {
    return this.#kernel !== undefined;
  }

  get kernel(): Kernel {
    if (!this.#kernel) throw new Error('signalling is not up');
    return this.#kernel;
  }

  get calls(): CallsService {
    if (!this.#inside) throw new Error('signalling is not up');
    return this.#inside.calls;
  }

  /** `kill -9` of signalling: what was not flushed is lost, nothing queued leaves, media goes on. */
  crash(): void {
    this.#life += 1;
    this.#signalling.crash();
    this.media.disconnect();
    this.#kernel = undefined;
    this.#inside = undefined;
  }

  /** Signalling begins again from the journal. */
  async restart(): Promise<void> {
    const { network, config } = this;
    const { clock } = network;
    const host = this.#signalling;
    const { turn, random } = host;
    const storage = this.storage;
    const wheel = new TimerWheel(clock.now());
    const ticker = host.createTicker(wheel);
    const transports = new HostTransports({
      udp: host.createUdpSet(),
      streams: [host.createTcpSet()],
      toOctets: fromBytes,
    });
    for (const address of [SERVER_ADDRESS, SERVER_ADDRESS_V6]) {
      for (const transport of ['udp', 'tcp'] as const) await transports.listen(transport, { address, port: 5060 });
    }
    const kernel = new Kernel(
      {
        clock,
        random,
        hashes: HASHES,
        wheel,
        log: this.#log({}),
        config,
        secrets: KEYS,
        transports,
        media: this.media.connect(),
        journal: journalSpaces(this.#journal()),
        store: (definition) => storage.store(definition),
        publish() {},
        poke: () => ticker.poke(),
        endOfTurn: (run) => turn.endOfTurn(run),
      },
      { traceBytes: 1 },
    );
    const probe = defineModule({
      name: 'probe',
      needs: [location, calls],
      offers: [],
      setup: (context) => {
        this.#inside = { locations: context.use(location), calls: context.use(calls) };
      },
    });
    await kernel.start([...modules, probe]);
    this.#housekeeping ??= kernel.report().timers ?? 0;
    this.#kernel = kernel;
  }

  /** A phone for an extension, on a machine of its own unless told otherwise. */
  async phone(extension: string, options: ScenarioPhoneOptions = {}): Promise<Phone> {
    const { name = extension, v6 = false, ...rest } = options;
    this.#phones += 1;
    const address = v6 ? `2001:db8:1::${this.#phones}` : `198.51.100.${this.#phones}`;
    return createPhone({
      host: rest.host ?? this.network.host(name, address),
      user: extension,
      domain: this.config.domain,
      password: `secret-${extension}`,
      server: { address: v6 ? SERVER_ADDRESS_V6 : SERVER_ADDRESS, port: 5060 },
      ...rest,
    });
  }

  /** The bindings that an extension has now. */
  bindings(extension: string): readonly Binding[] {
    return this.#inside?.locations.bindings({ tenant: DEFAULT_TENANT, extension }) ?? [];
  }

  /** Call records, oldest first. */
  async cdrs(): Promise<readonly CdrRow[]> {
    const { rows } = await this.storage.store(cdrStore).list(DEFAULT_TENANT, { limit: 1000 });
    return rows.toReversed();
  }

  get storage(): Storage {
    if (!this.#storage) throw new Error('the server was never started');
    return this.#storage;
  }

  /** What calls and registrations leave behind: all zero when nothing is under way. */
  leftovers(): Leftovers {
    const { timers = 0, ...report } = this.kernel.report();
    const unwritten = this.disk.records.get('cdr.unwritten')?.size ?? 0;
    const snapshots = this.disk.records.get('calls.calls')?.size ?? 0;
    return {
      ...report,
      calls: this.calls.size,
      timers: timers - (this.#housekeeping ?? 0),
      unwritten,
      snapshots,
      ...this.media.held(),
    };
  }

  async close(): Promise<void> {
    await this.storage.close();
  }

  /** A program that was killed writes nothing any more, though its promises go on settling here. */
  #journal(): Journal {
    const life = this.#life;
    const journal = openMemoryJournal(this.disk, this.network.clock.wall());
    return {
      ...journal,
      flush: () => {
        if (life === this.#life) journal.flush();
      },
    };
  }

  #log(context: LogFields): Log {
    const life = this.#life;
    const loud = this.#options.loud === true;
    return {
      ...SILENT,
      warn: (event, fields) => loud && console.warn(event, { ...context, ...fields }),
      error: (event, fields) => {
        if (life !== this.#life) return;
        this.errors.push(`${event} ${JSON.stringify({ ...context, ...fields })}`);
        if (loud) console.error(event, { ...context, ...fields });
      },
      child: (fields) => this.#log({ ...context, ...fields }),
    };
  }
}

const configs = new Map<string, Config>();

function configOf({ people = ['1001', '1002', '1003'], config = '' }: ServerOptions): Config {
  const lines = people.map((n) => `  - { name: Person ${n}, extension: "${n}", password: secret-${n} }`);
  const text = `domain: example.test\npeople:\n${lines.join('\n')}\n${config}`;
  const known = configs.get(text);
  if (known) return known;
  const outcome = parseConfig(text, { hostname: 'server' });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  configs.set(text, outcome.config);
  return outcome.config;
}
