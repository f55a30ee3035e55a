/**
 * Two legs and the media between them, as one pure reducer: the caller `a`, the phones that ring (`forks`), of which one
 * wins. It speaks only of legs, descriptions and bridges, so that any kind of leg can be coupled, and a call can be
 * stored, moved and gone on with.
 *
 *   preparing ──media──▶ ringing ──a fork answers──▶ up ──either side ends──▶ ended
 *       └───────────────────┴──all refuse, or the caller gives up──────────────▲
 *
 * Descriptions cross with the relay's address in the place of each phone's: what `a` says goes to a fork with the ports
 * of the bridge's `b` side, and the other way round.
 */
import type { Wall } from '@strowger/proto';
import type { Reason } from '../../kernel/reason.ts';
import type { StreamLocal } from '../../media/port.ts';
import { hangUp } from './coupling/finish.ts';
import { launch } from './coupling/launch.ts';
import { onAllocated, onMediaFailed } from './coupling/media.ts';
import { onOfferEvent } from './coupling/offer.ts';
import { onCallerEvent, onForkEvent } from './coupling/setup.ts';
import type { Body, LegCommand, LegEvent } from './leg.ts';

/** The caller's leg in every call. */
export const CALLER = 'a';

export interface Coupling {
  readonly id: string;
  readonly phase: 'preparing' | 'ringing' | 'up' | 'ended';
  /** The caller's offer, until every fork that will hear of it has. */
  readonly offer?: Body;
  readonly caller: LegSide;
  readonly forks: readonly Fork[];
  /** Bridges, by the address on which their `b` side listens: a phone on IPv6 is reached from an IPv6 address. */
  readonly paths: readonly MediaPath[];
  /** The fork that answered, or whose offer the caller is considering. */
  readonly winner?: string;
  readonly exchange?: Exchange;
  /** The last progress the caller was told, so that it is not told again. */
  readonly told?: number;
  readonly times: CallTimes;
}

export interface CallTimes {
  readonly start: Wall;
  readonly ring?: Wall;
  readonly answer?: Wall;
  readonly end?: Wall;
}

export interface LegSide {
  /** Where our media ports towards it are. */
  readonly bind: string;
  /** The IP its SIP comes from: media may be learned from there (see media/latch.ts). */
  readonly source: string;
  /** How many descriptions we have sent it: the version of our `o=` line (RFC 3264 §8). */
  readonly version: number;
}

export interface Fork extends LegSide {
  readonly leg: string;
  /** Tried together; a group begins when the one before it has failed (RFC 3261 §16.6 on q). */
  readonly group: number;
  readonly state: 'waiting' | 'trying' | 'answered' | 'over';
  /** How it ended: the status the caller may be given. */
  readonly status?: number;
}

export interface MediaPath {
  readonly bridge: string;
  readonly bind: string;
  readonly streams: number;
  readonly a: readonly StreamLocal[];
  readonly b: readonly StreamLocal[];
}

/** An offer on its way through. `late`: the asked side offers and the asking side answers in its ACK. */
export interface Exchange {
  readonly from: string;
  readonly late: boolean;
  readonly body?: Body;
  /** `media`: waits for ports. `crossing`: with the other side. `acking`: its offer is with the asking side. */
  readonly stage: 'media' | 'crossing' | 'acking';
  /** Where the 2xx of the call itself is what is under way. */
  readonly first: boolean;
}

export interface ForkPlan {
  readonly leg: string;
  readonly bind: string;
  readonly source: string;
  readonly group: number;
}

export type CouplingInput =
  | { readonly kind: 'leg'; readonly leg: string; readonly event: LegEvent; readonly now: Wall }
  | {
      readonly kind: 'allocated';
      readonly bridge: string;
      readonly a: readonly StreamLocal[];
      readonly b: readonly StreamLocal[];
      readonly now: Wall;
    }
  | { readonly kind: 'media-failed'; readonly bridge: string; readonly code: string; readonly now: Wall }
  | { readonly kind: 'hang-up'; readonly why: Reason; readonly now: Wall };

export type CouplingOutput =
  | { readonly kind: 'command'; readonly leg: string; readonly command: LegCommand }
  /** Make this fork's leg and have it ring. */
  | { readonly kind: 'call'; readonly leg: string; readonly body?: Body }
  | {
      readonly kind: 'allocate';
      readonly bridge: string;
      readonly binds: { readonly a: string; readonly b: string };
      readonly streams: number;
    }
  | {
      readonly kind: 'connect';
      readonly bridge: string;
      readonly side: 'a' | 'b';
      readonly source: string;
      readonly description: Body;
    }
  | { readonly kind: 'release'; readonly bridge: string }
  /** Worth surviving a crash: ringing, answered, a target or description changed. */
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'ended'; readonly end: CallEnd };

export interface CallEnd {
  readonly by: 'caller' | 'callee' | 'server' | 'network';
  readonly cause: string;
  readonly status?: number;
  readonly reason: Reason;
}

export type CouplingStep = readonly [Coupling, readonly CouplingOutput[]];

export interface CouplingStart {
  readonly id: string;
  readonly offer?: Body;
  readonly caller: { readonly bind: string; readonly source: string };
  readonly forks: readonly ForkPlan[];
  readonly now: Wall;
}

/** Begins a call towards its forks. */
export function startCoupling(o: CouplingStart): CouplingStep {
  const coupling: Coupling = {
    id: o.id,
    phase: 'preparing',
    ...(o.offer === undefined ? {} : { offer: o.offer }),
    caller: { ...o.caller, version: 0 },
    forks: o.forks.map((fork) => ({ ...fork, version: 0, state: 'waiting' })),
    paths: [],
    times: { start: o.now },
  };
  return launch(coupling, 0);
}

export function stepCoupling(coupling: Coupling, input: CouplingInput): CouplingStep {
  if (coupling.phase === 'ended') return [coupling, []];
  switch (input.kind) {
    case 'leg':
      return onLeg(coupling, input.leg, input.event, input.now);
    case 'allocated':
      return onAllocated(coupling, input);
    case 'media-failed':
      return onMediaFailed(coupling, input);
    case 'hang-up':
      return hangUp(coupling, { by: 'server', cause: 'hung-up', reason: input.why }, input.now);
  }
}

function onLeg(coupling: Coupling, leg: string, event: LegEvent, now: Wall): CouplingStep {
  switch (event.kind) {
    case 'offer':
    case 'offer-withdrawn':
    case 'offer-answered':
    case 'offer-failed':
      return onOfferEvent(coupling, leg, event);
    case 'acknowledged':
      return coupling.exchange?.stage === 'acking' ? onOfferEvent(coupling, leg, event) : [coupling, []];
    case 'request':
      return passOn(coupling, leg, event);
    case 'reply': {
      const peer = peerOf(coupling, leg);
      const { context: key, status } = event;
      return [
        coupling,
        peer === undefined ? [] : [{ kind: 'command', leg: peer, command: { kind: 'respond', key, status } }],
      ];
    }
    case 'progress':
    case 'answered':
      return onForkEvent(coupling, leg, event, now);
    case 'ended':
      return leg === CALLER ? onCallerEvent(coupling, event, now) : onForkEvent(coupling, leg, event, now);
  }
}

/** INFO (DTMF of old phones) and MESSAGE within a call go to the other side; it answers. */
function passOn(coupling: Coupling, leg: string, event: Extract<LegEvent, { kind: 'request' }>): CouplingStep {
  const { key, method, body, info } = event;
  const peer = coupling.phase === 'up' ? peerOf(coupling, leg) : undefined;
  if (method !== 'INFO' && method !== 'MESSAGE') return [coupling, [answerRequest(leg, key, 405)]];
  if (peer === undefined) return [coupling, [answerRequest(leg, key, 480)]];
  const command: LegCommand = {
    kind: 'send',
    method,
    context: key,
    ...(body === undefined ? {} : { body }),
    ...(info === undefined ? {} : { info }),
  };
  return [coupling, [{ kind: 'command', leg: peer, command }]];
}

const answerRequest = (leg: string, key: string | number, status: number): CouplingOutput => ({
  kind: 'command',
  leg,
  command: { kind: 'respond', key, status },
});

/** The leg at the other end; undefined while there is none. */
export function peerOf(coupling: Coupling, leg: string): string | undefined {
  if (leg !== CALLER) return leg === coupling.winner ? CALLER : undefined;
  return coupling.winner;
}
