/** What the kernel needs of the machine it runs on. Node gives it in `boot/`, a virtual network in scenario tests. */
import type {
  Clock,
  Destination,
  Flow,
  Octets,
  Random,
  SocketAddress,
  TimerWheel,
  TransportName,
} from '@strowger/proto';
import type { HashFunctions } from '@strowger/sip/auth';
import type { Config } from '../config/schema.ts';
import type { MediaPort } from '../media/port.ts';
import type { StoreClient, StoreDefinition } from '../storage/define-store.ts';
import type { ObservedBound } from './bounds.ts';
import type { JournalSpace } from './journal-space.ts';
import type { Log } from './log.ts';
import type { Secrets } from './secrets.ts';

export interface ServerHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly hashes: HashFunctions;
  readonly wheel: TimerWheel;
  readonly log: Log;
  readonly config: Config;
  readonly secrets: Secrets;
  readonly transports: Transports;
  readonly media: MediaPort;
  readonly journal: HostJournal;
  /** What it keeps itself that traffic can fill; a host that has no queues of its own has none. */
  readonly bounds?: readonly ObservedBound[];
  store<D extends StoreDefinition>(definition: D): StoreClient<D>;
  publish(name: string, value: unknown): void;
  /** The wheel may have an earlier deadline now. */
  poke(): void;
  /** Runs once all that is ready has been handled: answers leave together, after one write of the journal. */
  endOfTurn(run: () => void): void;
}

export interface HostJournal {
  space<T>(name: string): JournalSpace<T>;
  /** Everything put so far is safe when this returns; throws when it cannot be made so. */
  flush(): void;
  /** False from a failed flush to the next that succeeds: promise nothing meanwhile. */
  readonly sound: boolean;
  /** Records that are not safe yet. */
  readonly owed: number;
}

export interface Listening {
  readonly transport: TransportName;
  readonly address: SocketAddress;
}

/** The sockets, of whichever kind. */
export interface Transports {
  readonly listening: readonly Listening[];
  onMessage(handler: (text: Octets, flow: Flow) => void): void;
  onClosed(handler: (connection: number) => void): void;
  onSendFailed(handler: (ticket: unknown) => void): void;
  /** The message with this ticket left over that connection. */
  onSent(handler: (ticket: unknown, connection: number) => void): void;
  /** `ticket` comes back by `onSendFailed` when the message could not be sent. Returns the flow it leaves by, if known yet. */
  send(text: Octets, to: Destination, local: Listening | undefined, ticket: unknown): Flow | undefined;
  isLive(flow: Flow): boolean;
}
