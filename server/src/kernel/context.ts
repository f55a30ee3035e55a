/**
 * All that a module may touch of the world. Clock, randomness, timers, files and sockets come from here alone, so that
 * two whole servers run in one test and replay bit for bit.
 */
import type { Clock, Destination, Octets, Random } from '@strowger/proto';
import type { ClientKey, Field, ServerKey, SipRequest, SipResponse } from '@strowger/sip';
import type { HashFunctions } from '@strowger/sip/auth';
import type { Config } from '../config/schema.ts';
import type { MediaPort } from '../media/port.ts';
import type { StoreClient, StoreDefinition } from '../storage/define-store.ts';
import type { Bounds } from './bounds.ts';
import type { Link } from './chain.ts';
import type { Counters } from './counters.ts';
import type { DialogTable } from './dialog-table.ts';
import type { Answer, Exchange, Plan, Verdict } from './exchange.ts';
import type { Listening } from './host.ts';
import type { JournalSpace } from './journal-space.ts';
import type { Log } from './log.ts';
import type { Principal } from './principal.ts';
import type { Reason } from './reason.ts';
import type { Secrets } from './secrets.ts';
import type { ServiceKey } from './service-key.ts';

export type ScreenRun = (exchange: Exchange) => Verdict | undefined;
/** Says who it is, refuses (401, 403, …), or passes. */
export type AuthenticateRun = (exchange: Exchange) => Principal | Verdict | undefined;
export type RouteRun = (exchange: Exchange) => Plan | Verdict | undefined;
/** Answers now, later, or (with `undefined`) by `sip.respond` itself. A throw is answered 500. */
export type Handler = (exchange: Exchange) => Answer | undefined | Promise<Answer | undefined>;

/** Told of a request that routing refused, when its answer has been given. */
export type RefusedRun = (exchange: Exchange, answer: Answer) => void;

export interface ModuleContext {
  readonly module: string;
  readonly config: Config;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly random: Random;
  /** The host's own, faster than the library's. */
  readonly hashes: HashFunctions;
  readonly listening: readonly Listening[];
  readonly log: Log;
  readonly bounds: Bounds;
  readonly counters: Counters;
  readonly sip: SipPort;
  readonly media: MediaPort;

  screen(link: Link<ScreenRun>): void;
  authenticate(link: Link<AuthenticateRun>): void;
  route(link: Link<RouteRun>): void;
  handle(method: string, handler: Handler, pkg?: string): void;
  onRefused(run: RefusedRun): void;

  provide<S>(key: ServiceKey<S>, service: S): void;
  /** A service that `needs` names. */
  use<S>(key: ServiceKey<S>): S;
  /** A service that may be absent: features are optional to each other. */
  find<S>(key: ServiceKey<S>): S | undefined;

  after(ms: number, run: () => void): Stoppable;
  store<D extends StoreDefinition>(definition: D): StoreClient<D>;
  /** State that survives `kill -9` once the answer that promised it has left. */
  space<T>(name: string): JournalSpace<T>;
  /** Whether promises can be kept: false while the journal cannot be written. */
  canPromise(): boolean;
  /** Writes `run/<name>.json` in the data folder, for people and tools to read. */
  publish(name: string, value: unknown): void;
  /** Runs when every module is set up, before the first request. */
  onReady(run: () => void | Promise<void>): void;
  /** Runs at shutdown, last module first. */
  onStop(run: () => void | Promise<void>): void;
  /** What the kernel itself holds, for health. */
  kernelReport(): Readonly<Record<string, number>>;
}

export interface Stoppable {
  stop(): void;
}

export interface ClientOwner {
  response(key: ClientKey, response: SipResponse): void;
  failed(key: ClientKey, why: 'timeout' | 'transport'): void;
}

export interface ServerOwner {
  cancelled(request: SipRequest): void;
}

export interface SipRequestOut {
  readonly method: Octets;
  /** The whole request but for our Via. */
  readonly text: Octets;
  readonly target: Destination;
}

/** A request that waits for its answer: all that has to be kept of it, for a message is not to be held on to. */
export interface Pending {
  readonly key: ServerKey;
  readonly callId: Octets;
}

/** SIP as a module sees it. */
export interface SipPort {
  /** Composes and sends the answer, and records why. */
  answer(exchange: Exchange, answer: Answer): void;
  /** Sends a response composed elsewhere, and records why. */
  respond(pending: Pending, text: Octets, reason: Reason): void;
  /** Who is told when the INVITE behind this key is cancelled. Ends with its final response. */
  watch(key: ServerKey, owner: ServerOwner): void;
  /** Sends a response whose transaction died with the process before us. */
  resend(text: Octets, to: Destination): void;
  request(request: SipRequestOut, owner: ClientOwner): ClientKey;
  ack(text: Octets, target: Destination): void;
  cancel(key: ClientKey, fields?: readonly Field[]): void;
  readonly dialogs: DialogTable;
  /** A tag or Contact user of ours, not guessable. */
  token(): Octets;
  /** `<sip:user@host:port;transport=…>`, the Contact that leads back here from that destination. */
  contact(user: Octets, towards: Destination): Octets;
  /** Where a request with this next hop goes; `undefined` when it names nothing that can be reached. */
  resolve(nextHop: Octets): Destination | undefined;
  /** Whether the way a flow names is still open: always so on UDP. */
  isLive(destination: Destination): boolean;
  /** Methods somebody handles, for Allow. */
  allow(): Octets;
  /** Adds a decision to the trace of this call. */
  why(callId: Octets, reason: Reason): void;
}
