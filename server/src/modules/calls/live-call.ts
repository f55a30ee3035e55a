/**
 * One call while it lives: hosts the coupling (a pure reducer) over real legs and the media port, in order, one input at
 * a time, and keeps its snapshot.
 */
import { type Octets, own, type Wall } from '@strowger/proto';
import type { Call as UsageState } from '@strowger/sip/ua';
import type { ModuleContext, Stoppable } from '../../kernel/context.ts';
import { errorFields } from '../../kernel/log.ts';
import type { Principal } from '../../kernel/principal.ts';
import { because, type Reason } from '../../kernel/reason.ts';
import type { ConnectRequest, MediaErrorCode, StreamLocal } from '../../media/port.ts';
import type { EndedCall, Party } from './api.ts';
import { remotesIn } from './coupling/describe.ts';
import { CALLER, type MediaPath } from './coupling/state.ts';
import { type Coupling, type CouplingInput, type CouplingOutput, stepCoupling } from './coupling.ts';
import type { Body, LegEvent, LegListener } from './leg.ts';
import type { LegPlace } from './place.ts';
import type { SipLeg } from './sip-leg.ts';

export interface CallFacts {
  readonly id: string;
  readonly tenant: string;
  readonly caller: Party;
  readonly callee: Party;
  readonly callId: Octets;
}

/** What of a call survives `kill -9`. Wall times alone; nothing in it refers to a socket or to this process. */
export interface CallSnapshot {
  readonly facts: CallFacts;
  readonly coupling: Coupling;
  readonly legs: readonly LegSnapshot[];
  /** When it was taken. */
  readonly at: Wall;
  /** Where each side of each bridge was last told to send: for a media process that is started anew. */
  readonly described: Described;
}

type Connection = Omit<ConnectRequest, 'bridge' | 'leg'>;
export type Described = Readonly<Record<string, Partial<Record<'a' | 'b', Connection>>>>;

export interface LegSnapshot {
  readonly id: string;
  readonly principal: Principal;
  readonly place: LegPlace;
  readonly call: UsageState;
}

export interface LiveCallHost {
  readonly context: ModuleContext;
  /** Makes a fork's leg and starts its INVITE. */
  ring(call: LiveCall, leg: string, body: Body | undefined): void;
  save(call: LiveCall): void;
  /** The IP address from which a leg's other end was last heard. */
  sourceOf(place: LegPlace): string;
  /** Nothing of it is left. */
  gone(call: LiveCall): void;
  ended(call: EndedCall): void;
}

export class LiveCall implements LegListener {
  readonly facts: CallFacts;
  readonly legs: Map<string, SipLeg> = new Map();
  readonly places: Map<string, LegPlace> = new Map();
  readonly #host: LiveCallHost;
  #coupling: Coupling;
  #described: Described;
  #limit: Stoppable | undefined;
  readonly #inbox: CouplingInput[] = [];
  #busy = false;

  constructor(host: LiveCallHost, facts: CallFacts, coupling: Coupling, described: Described = {}) {
    this.#host = host;
    this.facts = facts;
    this.#coupling = coupling;
    this.#described = described;
  }

  get coupling(): Coupling {
    return this.#coupling;
  }

  /** Performs what the coupling's first step asked for. */
  begin(outputs: readonly CouplingOutput[]): void {
    this.#run(() => this.#performAll(outputs));
  }

  /** After a restart: the clock of the longest call goes on from the answer; of a call that was over, its phones hear. */
  resume(): void {
    if (this.#coupling.phase === 'up') this.#limitLength();
    if (this.#coupling.phase !== 'ended') return;
    for (const leg of [...this.legs.values()]) {
      leg.command({ kind: 'hang-up', why: because('signalling-restarted'), status: 500 });
    }
  }

  input(input: CouplingInput): void {
    this.#inbox.push(input);
    this.#run(() => {});
  }

  onLegEvent(leg: string, event: LegEvent): void {
    this.input({ kind: 'leg', leg, event, now: this.#host.context.clock.wall() });
  }

  hangUp(why: Reason): void {
    this.input({ kind: 'hang-up', why, now: this.#host.context.clock.wall() });
  }

  /** A leg is wholly over; with the last one the call is. */
  legGone(leg: SipLeg): void {
    this.legs.delete(leg.id);
    this.#settle();
  }

  /** Media came back from nothing: the bridges are made anew on the ports the phones know. */
  async rebuildMedia(): Promise<void> {
    const { media } = this.#host.context;
    for (const { bridge, bind, streams, a, b } of this.bridges()) {
      // It may have ended while another of its bridges was made.
      if (!this.bridges().some((path) => path.bridge === bridge)) continue;
      const legs = {
        a: { bind: this.#coupling.caller.bind, ports: portsOf(a) },
        b: { bind, ports: portsOf(b) },
      };
      const made = await media.allocate({ bridge, legs, streams });
      // Another program was faster. The phones send to ports that are not ours: nobody would hear anything for ever.
      if (!startsWith(portsOf(made.a), legs.a.ports) || !startsWith(portsOf(made.b), legs.b.ports)) {
        return this.hangUp(because('media-ports-lost'));
      }
      for (const [side, description] of Object.entries(this.#described[bridge] ?? {})) {
        await this.#connect({ bridge, leg: side === 'a' ? 'a' : 'b', ...description });
      }
    }
  }

  /** The bridges that it has: not those that are asked for, and none when it is over. */
  bridges(): readonly MediaPath[] {
    const { phase, paths } = this.#coupling;
    return phase === 'ended' ? [] : paths.filter(({ a }) => a.length > 0);
  }

  /** See `CallSnapshot`. */
  get described(): Described {
    return this.#described;
  }

  #run(first: () => void): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      first();
      for (let input = this.#inbox.shift(); input; input = this.#inbox.shift()) this.#take(input);
    } finally {
      this.#busy = false;
    }
    this.#settle();
  }

  #take(input: CouplingInput): void {
    this.#guard(input.kind, () => {
      const before = this.#coupling.phase;
      const [coupling, outputs] = stepCoupling(this.#coupling, input);
      this.#coupling = coupling;
      if (before !== 'up' && coupling.phase === 'up') this.#limitLength();
      this.#performAll(outputs);
    });
  }

  #performAll(outputs: readonly CouplingOutput[]): void {
    for (const output of outputs) this.#guard(output.kind, () => this.#perform(output));
  }

  /** What goes wrong in here is our mistake: this call ends by it, all that hangs on it is told, and no other call hears of it. */
  #guard(what: string, work: () => void): void {
    const { log, clock } = this.#host.context;
    try {
      work();
    } catch (error) {
      log.error('call-failed', { call: this.facts.id, what, ...errorFields(error) });
      this.#inbox.push({ kind: 'hang-up', why: because('server-error'), now: clock.wall() });
    }
  }

  #perform(output: CouplingOutput): void {
    const { context } = this.#host;
    switch (output.kind) {
      case 'command':
        return this.legs.get(output.leg)?.command(output.command);
      case 'call':
        return this.#host.ring(this, output.leg, output.body);
      case 'allocate':
        return this.#allocate(output);
      case 'connect': {
        const { bridge, side, source, description } = output;
        const request = connection(this.#sourceOf(side) ?? source, description);
        this.#described = { ...this.#described, [bridge]: { ...this.#described[bridge], [side]: request } };
        this.#background('connect', this.#connect({ bridge, leg: side, ...request }));
        return;
      }
      case 'release': {
        const { [output.bridge]: _, ...rest } = this.#described;
        this.#described = rest;
        return this.#background('release', context.media.release(output.bridge));
      }
      case 'snapshot':
        return this.#host.save(this);
      case 'ended':
        return this.#ended(output.end);
    }
  }

  /** Where a phone speaks from now: it may have moved since the call began, and media is learned from nowhere else. */
  #sourceOf(side: 'a' | 'b'): string | undefined {
    const place = this.places.get((side === 'a' ? CALLER : this.#coupling.winner) ?? '');
    return place && this.#host.sourceOf(place);
  }

  #allocate({ bridge, binds, streams }: Extract<CouplingOutput, { kind: 'allocate' }>): void {
    const { context } = this.#host;
    const legs = { a: { bind: binds.a }, b: { bind: binds.b } };
    context.media
      .allocate({ bridge, legs, streams })
      .then(
        ({ a, b }) => this.input({ kind: 'allocated', bridge, a, b, now: context.clock.wall() }),
        (error: unknown) => {
          // Given back before it was there, as when the caller hangs up at once: nobody misses it.
          const level = this.#wants(bridge) ? 'error' : 'debug';
          context.log[level]('media-not-allocated', { call: this.facts.id, ...errorFields(error) });
          const code = error instanceof Error && 'code' in error ? String(error.code) : 'MEDIA_INTERNAL';
          this.input({ kind: 'media-failed', bridge, code, now: context.clock.wall() });
        },
      )
      // No request waits above us to be answered 500: the call ends, and nothing else does.
      .catch((error: unknown) => {
        context.log.error('call-failed', { call: this.facts.id, ...errorFields(error) });
        this.hangUp(because('server-error'));
      });
  }

  #wants(bridge: string): boolean {
    const { phase, paths } = this.#coupling;
    return phase !== 'ended' && paths.some((path) => path.bridge === bridge);
  }

  /**
   * A description that media will not send to (an address that is nobody's, or our own) leaves that side without a sound
   * until it is replaced by another: that is no mistake of ours, and the reason is kept where the call's others are.
   */
  async #connect(request: ConnectRequest): Promise<void> {
    const { media, log, sip } = this.#host.context;
    try {
      await media.connect(request);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!REFUSALS.has(code)) throw error;
      const side = request.leg === 'a' ? 'caller' : 'callee';
      sip.why(this.facts.callId, because('media-description-refused', { code, side }));
      log.warn('media-description-refused', { call: this.facts.id, side, ...errorFields(error) });
    }
  }

  /** Media that is not there now is told again when it comes back: see `rebuildMedia`. */
  #background(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#host.context.log.warn(`media-${what}-failed`, { call: this.facts.id, ...errorFields(error) });
    });
  }

  #ended(end: EndedCall['end']): void {
    this.#limit?.stop();
    const { forks, times, winner, phase } = this.#coupling;
    const { id, tenant, caller, callee, callId } = this.facts;
    const legs = forks.map(({ leg, status }) => (status === undefined ? { leg } : { leg, status }));
    const ended: EndedCall = { id, tenant, caller, callee, callId, phase, times, end, legs };
    const answeredBy = winner === undefined ? undefined : this.places.get(winner)?.binding;
    this.#host.context.sip.why(own(callId), end.reason);
    this.#host.ended(answeredBy === undefined ? ended : { ...ended, answeredBy });
    this.#host.save(this);
  }

  #limitLength(): void {
    const { context } = this.#host;
    const { maxSeconds } = context.config.calls;
    const spent = context.clock.wall() - (this.#coupling.times.answer ?? context.clock.wall());
    this.#limit = context.after(Math.max(0, maxSeconds * 1000 - spent), () => this.hangUp(because('call-too-long')));
  }

  #settle(): void {
    if (!this.#busy && this.#coupling.phase === 'ended' && this.legs.size === 0) this.#host.gone(this);
  }
}

/** What media has against a description itself: it would say so again. */
const REFUSALS: ReadonlySet<string> = new Set<MediaErrorCode>(['MEDIA_BAD_ADDRESS', 'MEDIA_LOOP']);

const startsWith = (all: readonly number[], first: readonly number[]): boolean => first.every((x, i) => all[i] === x);
const portsOf = (streams: readonly StreamLocal[]): readonly number[] => streams.map(({ port }) => port);
const connection = (source: string, description: Body): Connection => ({ source, streams: remotesIn(description) });
