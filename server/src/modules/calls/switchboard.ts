/** The calls there are: begun by an INVITE, restored after a crash, listed, hung up, and gone when nothing is left of them. */
import { octets, own, randomHex } from '@strowger/proto';
import { findSdp } from '@strowger/sdp';
import { accept, contactUri, equalUri, maxForwards, parseUri } from '@strowger/sip';
import { startIncoming } from '@strowger/sip/ua';
import type { Bound } from '../../kernel/bounds.ts';
import type { ModuleContext } from '../../kernel/context.ts';
import type { Answer, Exchange, Plan, Target } from '../../kernel/exchange.ts';
import type { JournalSpace } from '../../kernel/journal-space.ts';
import { errorFields } from '../../kernel/log.ts';
import { because } from '../../kernel/reason.ts';
import type { BridgeSummary, MediaEvent } from '../../media/port.ts';
import type { DirectoryService } from '../directory/api.ts';
import type { LocationService } from '../location/api.ts';
import type { CallsService, CallView, EndedCall } from './api.ts';
import { CALLER, type CouplingOutput, startCoupling } from './coupling.ts';
import { calleeOf, callerOf } from './identity.ts';
import type { Body } from './leg.ts';
import { type CallSnapshot, LiveCall, type LiveCallHost } from './live-call.ts';
import { mediaAddress } from './media-address.ts';
import { type LegPlace, wayTo } from './place.ts';
import { refuseBody } from './refuse-body.ts';
import { refusedCall } from './refused.ts';
import { restoreCall } from './restore.ts';
import { type Ringing, ringFork } from './ring.ts';
import { SipLeg } from './sip-leg.ts';
import { snapshotOf } from './snapshot.ts';

type Targets = Extract<Plan, { kind: 'targets' }>;

export class Switchboard implements CallsService, LiveCallHost {
  readonly context: ModuleContext;
  readonly people: DirectoryService;
  readonly locations: LocationService;
  readonly #calls = new Map<string, LiveCall>();
  /** What each call's forks are to be rung with, until they are. */
  readonly #ringing = new Map<string, Ringing>();
  readonly #space: JournalSpace<CallSnapshot>;
  /** Calls that the journal has. */
  readonly #saved = new Set<string>();
  readonly #bound: Bound;
  readonly #listeners: ((call: EndedCall) => void)[] = [];
  #restored = false;

  constructor(context: ModuleContext, people: DirectoryService, locations: LocationService) {
    this.context = context;
    this.people = people;
    this.locations = locations;
    this.#space = context.space<CallSnapshot>('calls');
    this.#bound = context.bounds.declare({
      name: 'calls.live',
      cap: context.config.limits.calls,
      whenFull: 'a new call is answered 503',
    });
    context.media.onEvent((event) => {
      // Before the calls are back, every bridge would look like nobody's.
      if (event.kind === 'up' && this.#restored) this.#reconcile(event.bridges);
      if (event.kind === 'idle' || event.kind === 'resumed' || event.kind === 'orphan-ended') this.#mediaSaid(event);
    });
  }

  get size(): number {
    return this.#calls.size;
  }

  /** RFC 3261 §13.3: an INVITE outside any dialog. */
  invite(exchange: Exchange): Answer | undefined {
    const { plan, request } = exchange;
    if (plan?.kind !== 'targets') return { status: 404, reason: because('nobody-to-call') };
    const hops = request.get(maxForwards);
    if (hops === 0) return { status: 483, reason: because('too-many-hops') };
    // §12.1.1: without one there is nowhere to send a BYE to, and no dialog.
    if (contactUri(request) === undefined) return { status: 400, reason: because('contact-missing') };
    const unusable = refuseBody(request);
    if (unusable) return unusable;
    if (!this.#bound.take()) {
      return { status: 503, reason: because('too-many-calls'), fields: [['Retry-After', octets`10`]] };
    }
    return this.#begin(exchange, plan, hops ?? 70);
  }

  /** What routing refused was a call to whoever dialled. */
  refused(exchange: Exchange, answer: Answer): void {
    const { random, clock } = this.context;
    const call = refusedCall(exchange, answer, { id: randomHex(random, 8), people: this.people, now: clock.wall() });
    if (call) this.ended(call);
  }

  /** OPTIONS and INFO that belong to no call. */
  outside({ request }: Exchange): Answer {
    if (request.method !== 'OPTIONS') return { status: 481, reason: because('no-such-dialog') };
    return {
      status: 200,
      reason: because('options-answered'),
      fields: [
        ['Allow', this.context.sip.allow()],
        [accept.name, octets`application/sdp`],
      ],
    };
  }

  #begin(exchange: Exchange, plan: Targets, hops: number): Answer | undefined {
    let call: LiveCall | undefined;
    let outputs: readonly CouplingOutput[];
    try {
      [call, outputs] = this.#make(exchange, plan, hops);
      if (!this.#takeCaller(call, exchange)) {
        this.gone(call);
        return { status: 503, reason: because('too-many-dialogs'), fields: [['Retry-After', octets`10`]] };
      }
    } catch (error) {
      // The caller is answered 500 above us. The place that was taken must not go with it.
      for (const leg of call?.legs.values() ?? []) leg.abandon();
      if (call) this.gone(call);
      else this.#bound.release();
      throw error;
    }
    call.begin(outputs);
    return undefined;
  }

  #make(exchange: Exchange, plan: Targets, hops: number): [LiveCall, readonly CouplingOutput[]] {
    const { request, flow } = exchange;
    const { context } = this;
    const id = randomHex(context.random, 8);
    const caller = callerOf(exchange, this.people);
    const callee = calleeOf(plan.callee, this.people);
    const { tenant } = plan.callee;
    const body = bodyOf(request);
    const facts = { id, tenant, caller: caller.party, callee: callee.party, callId: own(request.callId) };
    const [coupling, outputs] = startCoupling({
      id,
      ...(body === undefined ? {} : { offer: body }),
      caller: { bind: mediaAddress(context.config, flow), source: flow.remote.address },
      forks: plan.targets.map((target, i) => ({
        leg: `b${i + 1}`,
        bind: mediaAddress(context.config, target.flow),
        source: target.flow.remote.address,
        group: groupOf(plan.targets, target),
      })),
      now: context.clock.wall(),
    });
    const call = new LiveCall(this, facts, coupling);
    this.#calls.set(id, call);
    this.#ringing.set(id, { plan, from: caller.nameAddr, to: callee.nameAddr, hops: hops - 1 });
    return [call, outputs];
  }

  /** False when there is no room for its dialog. */
  #takeCaller(call: LiveCall, exchange: Exchange): boolean {
    const { request, flow, principal } = exchange;
    const { sip } = this.context;
    const { id, tenant } = call.facts;
    const leg = this.addLeg(call, CALLER, principal, this.#callersPlace(exchange, tenant));
    const contact = sip.contact(sip.token(), { kind: 'flow', flow });
    const localTag = sip.token();
    const key = leg.take(exchange);
    return leg.begin(...startIncoming({ request, key, localTag, contact, seed: seedOf(id) }));
  }

  ring(call: LiveCall, leg: string, body: Body | undefined): void {
    const ringing = this.#ringing.get(call.facts.id);
    if (ringing) ringFork(this, call, leg, ringing, body);
  }

  addLeg(call: LiveCall, id: string, principal: SipLeg['principal'], place: LegPlace): SipLeg {
    const leg = new SipLeg({
      id,
      context: this.context,
      listener: call,
      principal,
      way: () => wayTo(place, this.locations),
      onGone: (gone) => call.legGone(gone),
    });
    call.legs.set(id, leg);
    call.places.set(id, place);
    return leg;
  }

  sourceOf(place: LegPlace): string {
    return wayTo(place, this.locations).flow.remote.address;
  }

  /** A call that is over is kept until its phones know: a BYE may die with us before it has left. */
  save(call: LiveCall): void {
    const { id } = call.facts;
    const snapshot = snapshotOf(call, this.context.clock.wall());
    const over = call.coupling.phase === 'ended' && snapshot.legs.every((leg) => leg.call.state !== 'confirmed');
    if (over) return this.#forget(id);
    this.#saved.add(id);
    this.#space.put(id, snapshot);
  }

  #forget(id: string): void {
    if (this.#saved.delete(id)) this.#space.delete(id);
  }

  ended(ended: EndedCall): void {
    this.#ringing.delete(ended.id);
    const { id, caller, callee, end } = ended;
    this.context.log.info('call-ended', {
      call: id,
      caller: caller.number,
      callee: callee.number,
      why: end.reason.code,
    });
    for (const listener of this.#listeners) {
      try {
        listener(ended);
      } catch (error) {
        this.context.log.error('call-end-not-heard', { call: ended.id, ...errorFields(error) });
      }
    }
  }

  gone(call: LiveCall): void {
    this.#forget(call.facts.id);
    if (this.#calls.delete(call.facts.id)) this.#bound.release();
    this.#ringing.delete(call.facts.id);
  }

  list(tenant: string): readonly CallView[] {
    return [...this.#calls.values()].filter(({ facts }) => facts.tenant === tenant).map(viewOf);
  }

  hangUp(tenant: string, id: string, why: string): boolean {
    const call = this.#calls.get(id);
    if (!call || call.facts.tenant !== tenant) return false;
    call.hangUp(because('hung-up-by-administrator', { why }));
    return true;
  }

  onEnded(listener: (call: EndedCall) => void): void {
    this.#listeners.push(listener);
  }

  /** What the boot before left: calls that were up go on; those that rang are over, for their caller's INVITE is lost. */
  async restore(): Promise<void> {
    for (const [id, snapshot] of this.#space.load()) {
      this.#saved.add(id);
      const room = this.#bound.take();
      const call = restoreCall(this, snapshot, room);
      if (call) {
        this.#calls.set(id, call);
        call.resume();
      } else {
        if (room) this.#bound.release();
        this.#forget(id);
      }
    }
    if (this.#calls.size > 0) this.context.log.info('calls-restored', { calls: this.#calls.size });
    this.#restored = true;
    // Should media be down just now, its `up` will bring the same.
    const bridges = await this.context.media.list().catch((error: unknown) => {
      this.context.log.warn('media-not-listed', errorFields(error));
      return undefined;
    });
    if (bridges) this.#reconcile(bridges);
  }

  /** At an orderly end every call is hung up: nobody would know of it afterwards. */
  stop(): void {
    for (const call of this.#calls.values()) call.hangUp(because('server-stops'));
  }

  /** Bridges of calls that are no more are given back; calls whose bridges are gone get new ones on the same ports. */
  #reconcile(present: readonly BridgeSummary[]): void {
    const bridges = new Set(present.map(({ bridge }) => bridge));
    const { media, log } = this.context;
    const kept: string[] = [];
    const going = [...this.#calls.values()].filter(({ coupling }) => coupling.phase !== 'ended');
    const wanted = new Set(going.flatMap(({ coupling }) => coupling.paths.map((p) => p.bridge)));
    for (const bridge of bridges) {
      if (wanted.has(bridge)) kept.push(bridge);
      else media.release(bridge).catch((error: unknown) => log.warn('media-release-failed', errorFields(error)));
    }
    if (kept.length > 0) {
      media.adopt(kept).catch((error: unknown) => log.warn('media-adopt-failed', errorFields(error)));
    }
    for (const call of this.#calls.values()) {
      if (call.bridges().every(({ bridge }) => bridges.has(bridge))) continue;
      call.rebuildMedia().catch((error: unknown) => {
        log.error('media-not-rebuilt', { call: call.facts.id, ...errorFields(error) });
      });
    }
  }

  /** One-way or no audio is what people suffer most and learn of last: it is said when it happens. */
  #mediaSaid(event: Extract<MediaEvent, { bridge: string }>): void {
    const id = event.bridge.split('/', 1)[0] ?? '';
    const call = this.#calls.get(id);
    if (!call) return;
    const { log, sip } = this.context;
    if (event.kind === 'orphan-ended') return call.hangUp(because('media-given-up', { why: event.why }));
    const side = event.leg === 'a' ? 'caller' : 'callee';
    const silentMs = event.kind === 'idle' ? { silentMs: event.silentMs } : {};
    const reason = because(`media-${event.kind}`, { side, stream: event.stream, ...silentMs });
    sip.why(call.facts.callId, reason);
    log.info(reason.code, { call: id, ...reason.data });
  }

  #callersPlace({ flow, principal, request }: Exchange, tenant: string): LegPlace {
    const { boot } = this.locations;
    if (principal.kind !== 'device') return { tenant, flow, boot };
    const { extension } = principal;
    const contact = parseUri(contactUri(request) ?? octets``);
    const binding = this.locations.bindings({ tenant, extension }).find(({ uri }) => {
      const registered = parseUri(uri);
      return contact.ok && registered.ok && equalUri(contact.value, registered.value);
    });
    return { tenant, flow, boot, extension, ...(binding === undefined ? {} : { binding: binding.key }) };
  }
}

function bodyOf(request: Exchange['request']): Body | undefined {
  // What names no type is taken for SDP, as all who leave it out mean it.
  const type = request.raw('Content-Type') ?? octets`application/sdp`;
  if (request.body === '') return undefined;
  // What may be ignored is no offer: the phone makes it (§13.2.1).
  const description = findSdp(type, request.body);
  if (description.ok && description.value === undefined) return undefined;
  return { type: own(type), text: own(request.body) };
}

/** Equal q ring together, a higher q first (RFC 3261 §16.6). */
function groupOf(targets: readonly Target[], { q }: Target): number {
  return [...new Set(targets.map((target) => target.q))].sort((a, b) => b - a).indexOf(q);
}

function viewOf({ facts, coupling }: LiveCall): CallView {
  const { id, tenant, caller, callee, callId } = facts;
  return { id, tenant, caller, callee, callId, phase: coupling.phase, times: coupling.times };
}

/** Spreads retries; secret it is not. */
export const seedOf = (id: string): number => Number.parseInt(id.slice(0, 7), 16);
