/**
 * The kernel: takes requests from the stack through `screen → authenticate → route → handle`, gives modules their
 * contexts, and lets nothing that one of them throws reach another.
 *
 * No packet leaves while it is being decided on. All that one turn of the loop produced waits for the journal's one
 * write, so that what an answer promises is safe before anybody can read the answer.
 */
import type { Flow, Octets } from '@strowger/proto';
import {
  type Packet,
  type ServerKey,
  type SipRequest,
  type SipResponse,
  SipStack,
  type StackEvent,
} from '@strowger/sip';
import { answerStray } from '@strowger/sip/ua';
import { type Bound, Bounds } from './bounds.ts';
import { Chain } from './chain.ts';
import { Claims } from './claims.ts';
import type { AuthenticateRun, ClientOwner, Handler, RefusedRun, RouteRun, ScreenRun, ServerOwner } from './context.ts';
import { Counters } from './counters.ts';
import { Departures } from './departures.ts';
import { DialogTable } from './dialog-table.ts';
import type { ServerHost } from './host.ts';
import { errorFields, type Log } from './log.ts';
import { orderModules, type ServerModule } from './module.ts';
import { kernelBounds } from './observed.ts';
import type { KernelParts } from './parts.ts';
import { Pipeline } from './pipeline.ts';
import { ServiceTable } from './services.ts';
import { KernelSipPort } from './sip-port.ts';
import { CallbackTimer } from './timer.ts';
import { TraceRing } from './trace-ring.ts';
import { destinationFor } from './way.ts';

const TRACE_BYTES = 64 << 20;
/** A call has its caller's leg and one of each phone that rings; once answered, two. */
const DIALOGS_PER_CALL = 4;
const MIN_DIALOGS = 1_000;
/** BYEs to those who answered out of nowhere, within the time in which a phone says its 2xx again (64·T1). */
const MAX_TURNED_AWAY = 1_000;
const TURNED_AWAY_FOR = 32_000;

export interface KernelOptions {
  readonly traceBytes?: number;
  /** Part of every token this node makes, so that another node can tell whose it is. */
  readonly node?: number;
}

export class Kernel implements KernelParts {
  readonly host: ServerHost;
  readonly log: Log;
  readonly bounds: Bounds = new Bounds();
  readonly counters: Counters = new Counters();
  readonly trace: TraceRing;
  readonly screen: Chain<ScreenRun> = new Chain('screen');
  readonly authenticate: Chain<AuthenticateRun> = new Chain('authenticate');
  readonly route: Chain<RouteRun> = new Chain('route');
  readonly claims: Claims<Handler> = new Claims();
  readonly onRefused: RefusedRun[] = [];
  readonly dialogs: DialogTable;
  readonly stack: SipStack;
  readonly sip: KernelSipPort;
  readonly services: ServiceTable;
  readonly #serverOwners = new Map<ServerKey, ServerOwner>();
  readonly #departures: Departures;
  readonly #pipeline: Pipeline;
  readonly #turnedAway: Bound;
  #accepting = false;
  #stopping = false;

  constructor(host: ServerHost, options: KernelOptions = {}) {
    this.host = host;
    this.log = host.log;
    this.trace = new TraceRing(options.traceBytes ?? TRACE_BYTES);
    const dialogs = Math.max(MIN_DIALOGS, DIALOGS_PER_CALL * host.config.limits.calls);
    this.dialogs = new DialogTable(
      this.bounds.declare({ name: 'kernel.dialogs', cap: dialogs, whenFull: 'new calls are answered 503' }),
    );
    this.#turnedAway = this.bounds.declare({
      name: 'kernel.turned-away',
      cap: MAX_TURNED_AWAY,
      whenFull: 'a phone that answered too late is not told so',
    });
    this.#departures = new Departures(host, this.trace, this.counters);
    this.stack = new SipStack({
      random: host.random,
      wheel: host.wheel,
      locals: host.transports.listening,
      maxTransactions: host.config.limits.transactions,
      ...(options.node === undefined ? {} : { node: options.node }),
      emit: (event) => this.#onEvent(event),
      send: (packet) => this.send(packet),
    });
    for (const bound of kernelBounds(host, this.stack, this.#departures)) this.bounds.observe(bound);
    for (const bound of host.bounds ?? []) this.bounds.observe(bound);
    this.sip = new KernelSipPort(this, options.node ?? 0);
    this.#pipeline = new Pipeline(this);
    this.services = new ServiceTable(this);
  }

  /** Sets the modules up in the order of their needs, then opens the doors. */
  async start(modules: readonly ServerModule[]): Promise<void> {
    for (const module of orderModules(modules)) {
      await module.setup(this.services.contextOf(module));
    }
    for (const chain of [this.screen, this.authenticate, this.route]) chain.links();
    await this.services.ready();
    const { transports } = this.host;
    transports.onMessage((text, flow) => this.#receive(text, flow));
    transports.onClosed((connection) =>
      this.#turn(() => this.stack.connectionClosed(connection, this.host.clock.now())),
    );
    transports.onSent((ticket, connection) => this.stack.sentOver(ticket as Packet, connection));
    transports.onSendFailed((ticket) =>
      this.#turn(() => this.stack.sendFailed(ticket as Packet, this.host.clock.now())),
    );
    this.#accepting = true;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Ends what is under way and takes nothing new; answers to that still come in, until the host closes its sockets. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.services.stop();
    this.#departures.depart();
  }

  watch(key: ServerKey, owner: ServerOwner): void {
    this.#serverOwners.set(key, owner);
  }

  unwatch(key: ServerKey): void {
    this.#serverOwners.delete(key);
  }

  send(packet: Packet): void {
    this.#departures.add(packet);
  }

  writeSoon(): void {
    this.#departures.wake();
  }

  /** Runs a piece of work of ours; whatever it throws is counted and logged and goes no further. */
  guard(where: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.counters.of('kernel_handler_errors').value += 1;
      this.log.error('handler-threw', { where, ...errorFields(error) });
    }
  }

  report(): Readonly<Record<string, number>> {
    const { client, server } = this.stack.counts();
    return {
      clientTransactions: client,
      serverTransactions: server,
      dialogs: this.dialogs.size,
      timers: this.host.wheel.size,
      watchedInvites: this.#serverOwners.size,
    };
  }

  #receive(text: Octets, flow: Flow): void {
    if (!this.#accepting) return;
    this.trace.message('received', this.host.clock.wall(), flow, text);
    this.#turn(() => this.stack.receive(text, flow, this.host.clock.now()));
  }

  #turn(work: () => void): void {
    this.guard('stack', work);
    this.host.poke();
  }

  #onEvent(event: StackEvent): void {
    switch (event.kind) {
      case 'request':
        return this.#pipeline.run(event.key, event.request, event.flow);
      case 'ack':
        return this.#onAck(event.request);
      case 'cancel':
        return this.guard('cancel', () => this.#serverOwners.get(event.key)?.cancelled(event.request));
      case 'response':
        return this.#toOwner(event.owner, (owner) => owner.response(event.key, event.response));
      case 'failed':
        return this.#toOwner(event.owner, (owner) => owner.failed(event.key, event.reason));
      case 'server-failed':
        this.#serverOwners.delete(event.key);
        this.counters.of(`sip_server_transactions_failed_${event.reason}`).value += 1;
        return;
      case 'stray':
        return this.#onStray(event.response, event.flow);
      case 'discarded':
        this.counters.of('sip_discarded').value += 1;
        this.host.log.debug('message-discarded', { code: event.code });
        return;
    }
  }

  #toOwner(owner: unknown, tell: (owner: ClientOwner) => void): void {
    if (isClientOwner(owner)) this.guard('response', () => tell(owner));
  }

  #onAck(request: SipRequest): void {
    const tag = request.toTag;
    const owner = tag === undefined ? undefined : this.dialogs.find(request.callId, tag);
    if (owner) this.guard('ack', () => owner.ack(request));
    else this.counters.of('sip_ack_without_dialog').value += 1;
  }

  /** A 2xx that came again after its transaction had ended: the leg acknowledges it again (RFC 3261 §13.2.2.4). */
  #onStray(response: SipResponse, flow: Flow): void {
    const owner = response.fromTag === undefined ? undefined : this.dialogs.find(response.callId, response.fromTag);
    const again = response.cseq.method === 'INVITE' && response.status >= 200 && response.status < 300;
    if (owner && again) return this.guard('stray', () => owner.stray(response, flow));
    this.counters.of('sip_stray_responses').value += 1;
    if (again) this.guard('stray', () => this.#turnAway(response, flow));
  }

  /**
   * A phone that answered too late must not sit in a call with nobody: it gets a BYE, the way its answer came, not where
   * its Contact says: anybody could send us one that names a third. Once, without a transaction, for the source of a
   * datagram may be a lie too. And no ACK: one that arrived where the BYE was lost would have the phone talk to nobody
   * for ever; without it the phone says its 2xx again, and in the end hangs up by itself (RFC 3261 §13.3.1.4).
   */
  #turnAway(response: SipResponse, flow: Flow): void {
    for (const output of answerStray(response)) {
      if (output.kind !== 'send') continue;
      const target = destinationFor(output.nextHop, { flow, device: true }, this.sip);
      // As an ACK goes, without a transaction.
      if (target !== undefined && this.#mayTurnAway()) this.sip.ack(output.text, target);
    }
  }

  #mayTurnAway(): boolean {
    if (!this.#turnedAway.take()) return false;
    const timer = new CallbackTimer(this.host.wheel, () => this.#turnedAway.release());
    timer.start(this.host.clock.now(), TURNED_AWAY_FOR);
    return true;
  }
}

function isClientOwner(owner: unknown): owner is ClientOwner {
  return typeof owner === 'object' && owner !== null && 'response' in owner && 'failed' in owner;
}
