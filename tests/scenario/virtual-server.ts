/**
 * A whole server on the virtual network: the kernel with every module, storage and media in this thread, a journal that
 * outlives the program. Signalling and media are two programs on one machine, as in production: each can be killed.
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
import { modules, stores } from '../../server/src/boot/modules.ts';
import { secretKeys } from '../../server/src/boot/secrets.ts';
import { parseConfig } from '../../server/src/config/load.ts';
import type { Config } from '../../server/src/config/schema.ts';
import { SILENT } from '../../server/src/kernel/log.ts';
import { Kernel } from '../../server/src/kernel/server.ts';
import { HostTransports } from '../../server/src/kernel/transports.ts';
import { createInProcessMedia, type InProcessMedia } from '../../server/src/media/in-process.ts';
import { DEFAULT_OPTIONS } from '../../server/src/media/options.ts';
import { openInProcessStorage } from '../../server/src/storage/in-process.ts';
import { JournalMemory, openMemoryJournal } from '../../server/src/storage/journal-memory.ts';
import { journalSpaces } from '../../server/src/storage/journal-spaces.ts';
import type { Storage } from '../../server/src/storage/storage.ts';

export const SERVER = '192.0.2.100';
const KEYS = secretKeys(Buffer.alloc(32, 1), Buffer.alloc(32, 2));

export interface VirtualServerOptions {
  /** Extensions; each one's password is `secret-` and the extension. */
  readonly people: readonly string[];
  /** More lines of the configuration file. */
  readonly config?: string;
}

export class VirtualServer {
  readonly network: VirtualNetwork;
  readonly machine: VirtualHost;
  readonly config: Config;
  readonly disk: JournalMemory = new JournalMemory();
  readonly #signalling: VirtualHost;
  #media: InProcessMedia | undefined;
  #storage: Storage | undefined;
  #kernel: Kernel | undefined;

  constructor(network: VirtualNetwork, options: VirtualServerOptions) {
    this.network = network;
    this.machine = network.host('server', SERVER);
    this.#signalling = this.machine.process('signalling');
    this.config = configOf(options);
  }

  get kernel(): Kernel {
    if (!this.#kernel) throw new Error('the server is not up');
    return this.#kernel;
  }

  /** Starts signalling; media and storage as well, the first time. */
  async start(): Promise<void> {
    const { network, config } = this;
    this.#storage ??= await openInProcessStorage({ stores, clock: network.clock });
    this.#media ??= this.#startMedia();
    const storage = this.#storage;
    const host = this.#signalling;
    const { turn, random } = host;
    const wheel = new TimerWheel(network.clock.now());
    const ticker = host.createTicker(wheel);
    const transports = new HostTransports({
      udp: host.createUdpSet(),
      streams: [host.createTcpSet()],
      toOctets: fromBytes,
    });
    for (const transport of ['udp', 'tcp'] as const)
      await transports.listen(transport, { address: SERVER, port: 5060 });
    const kernel = new Kernel({
      clock: network.clock,
      random,
      hashes: HASHES,
      wheel,
      log: SILENT,
      config,
      secrets: KEYS,
      transports,
      media: this.#media.control(),
      journal: journalSpaces(openMemoryJournal(this.disk, network.clock.wall())),
      store: (definition) => storage.store(definition),
      publish() {},
      poke: () => ticker.poke(),
      endOfTurn: (run) => turn.endOfTurn(run),
    });
    await kernel.start(modules);
    this.#kernel = kernel;
  }

  /** `kill -9` of signalling. Media goes on. */
  kill(): void {
    this.#signalling.crash();
    this.#kernel = undefined;
  }

  /** A phone for an extension, on a machine of its own. */
  async phone(extension: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
    return createPhone({
      host: options.host ?? this.network.host(`phone ${extension}`, `198.51.100.${Number(extension) % 250}`),
      user: extension,
      domain: this.config.domain,
      password: `secret-${extension}`,
      server: { address: SERVER, port: 5060 },
      ...options,
    });
  }

  /** What calls leave behind: all zero when there are none. Bindings and their timers may stay. */
  leftovers(): Leftovers {
    const {
      clientTransactions = 0,
      serverTransactions = 0,
      dialogs = 0,
      watchedInvites = 0,
      calls = 0,
    } = this.kernel.report();
    const bridges = this.#media?.server.list().length ?? 0;
    return { clientTransactions, serverTransactions, dialogs, watchedInvites, calls, bridges };
  }

  #startMedia(): InProcessMedia {
    const host = this.machine.process('media');
    const wheel = new TimerWheel(this.network.clock.now());
    const ticker = host.createTicker(wheel);
    const { clock, random } = host;
    const poke = () => ticker.poke();
    return createInProcessMedia({ udp: host.createUdpSet(), clock, random, wheel, options: DEFAULT_OPTIONS, poke });
  }
}

function configOf({ people, config = '' }: VirtualServerOptions): Config {
  const lines = people.map((n) => `  - { name: Person ${n}, extension: "${n}", password: secret-${n} }`);
  const outcome = parseConfig(`domain: example.test\npeople:\n${lines.join('\n')}\n${config}`, { hostname: 'server' });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome.config;
}
