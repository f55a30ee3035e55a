/**
 * Offers and answers once the call is up (hold, resume, another codec, video), and the late offer of a call whose
 * caller made none (RFC 3264, RFC 3261 §14). One exchange at a time: a second is told 491 and comes again.
 *
 *   x offers ──▶ [media] ──▶ crossing ──the other answers──▶ x answered
 *   x asks for an offer ──▶ crossing ──the other offers──▶ acking ──x's ACK answers──▶ done
 */
import type { Wall } from '@strowger/proto';
import { because } from '../../../kernel/reason.ts';
import type { Body, LegCommand, LegEvent } from '../leg.ts';
import { forPeer } from './best-failure.ts';
import { across, streamsIn } from './describe.ts';
import { finish } from './finish.ts';
import { allocatePath } from './launch.ts';
import { CALLER, type Coupling, type CouplingOutput, type CouplingStep, type MediaPath, peerOf } from './state.ts';

type OfferEvent = Extract<
  LegEvent,
  { kind: 'offer' | 'offer-withdrawn' | 'offer-answered' | 'offer-failed' | 'acknowledged' }
>;

export function onOfferEvent(coupling: Coupling, leg: string, event: OfferEvent): CouplingStep {
  switch (event.kind) {
    case 'offer':
      return onOffer(coupling, leg, event.body);
    case 'offer-withdrawn':
      return onWithdrawn(coupling, leg);
    case 'offer-answered':
      return onAnswered(coupling, leg, event.body);
    case 'offer-failed':
      return onFailed(coupling, leg, event.status);
    case 'acknowledged':
      return onAcknowledged(coupling, leg, event.body);
  }
}

function onOffer(coupling: Coupling, leg: string, body: Body | undefined): CouplingStep {
  const peer = coupling.phase === 'up' ? peerOf(coupling, leg) : undefined;
  const path = coupling.paths[0];
  if (peer === undefined || path === undefined) return [coupling, [reject(leg, 488, 'not-in-a-call')]];
  if (coupling.exchange !== undefined) return [coupling, [reject(leg, 491, 'exchange-under-way')]];
  if (body === undefined) {
    const exchange = { from: leg, late: true, stage: 'crossing', first: false } as const;
    return [{ ...coupling, exchange }, [toLeg(peer, { kind: 'offer' })]];
  }
  const streams = streamsIn(body);
  if (streams === undefined) return [coupling, [reject(leg, 488, 'offer-unreadable')]];
  const next: Coupling = { ...coupling, exchange: { from: leg, late: false, body, stage: 'media', first: false } };
  return streams > path.b.length ? allocatePath(next, path.bind, streams) : crossOffer(next, path);
}

/** The offer goes over, with our ports. */
export function crossOffer(coupling: Coupling, path: MediaPath): CouplingStep {
  const { exchange } = coupling;
  if (exchange?.body === undefined) return [coupling, []];
  const peer = peerOf(coupling, exchange.from);
  const [next, body] = peer === undefined ? [coupling, undefined] : describe(coupling, peer, path, exchange.body);
  if (peer === undefined || body === undefined) return abandon(coupling, 488);
  return [{ ...next, exchange: { ...exchange, stage: 'crossing' } }, [toLeg(peer, { kind: 'offer', body })]];
}

/** The first offer of the call is the phone's: into our 200 to the caller. */
export function offerToCaller(coupling: Coupling, path: MediaPath, now: Wall): CouplingStep {
  const { exchange, winner } = coupling;
  if (exchange?.body === undefined || winner === undefined) return [coupling, []];
  const [next, body] = describe(coupling, CALLER, path, exchange.body);
  if (body === undefined) {
    const end = { by: 'server', cause: 'rejected', status: 488, reason: because('offer-unreadable') } as const;
    return finish(coupling, end, now);
  }
  return [
    {
      ...next,
      phase: 'up',
      times: { ...coupling.times, answer: now },
      exchange: { ...exchange, stage: 'acking' },
    },
    [connect(coupling, winner, path, exchange.body), toLeg(CALLER, { kind: 'answer', body }), { kind: 'snapshot' }],
  ];
}

function onAnswered(coupling: Coupling, leg: string, body: Body | undefined): CouplingStep {
  const { exchange } = coupling;
  const path = coupling.paths[0];
  if (exchange?.stage !== 'crossing' || path === undefined || peerOf(coupling, exchange.from) !== leg) {
    return [coupling, [toLeg(leg, { kind: 'acknowledge' })]];
  }
  const [next, crossed] = body === undefined ? [coupling, undefined] : describe(coupling, exchange.from, path, body);
  if (body === undefined || crossed === undefined) {
    const [left, outputs] = abandon(coupling, 488);
    return [left, [toLeg(leg, { kind: 'acknowledge' }), ...outputs]];
  }
  if (exchange.late) {
    return [
      { ...next, exchange: { ...exchange, body, stage: 'acking' } },
      [toLeg(exchange.from, { kind: 'answer', body: crossed })],
    ];
  }
  const { exchange: _, ...done } = next;
  const outputs: CouplingOutput[] = [
    toLeg(leg, { kind: 'acknowledge' }),
    connect(coupling, leg, path, body),
    ...(exchange.body === undefined ? [] : [connect(coupling, exchange.from, path, exchange.body)]),
    toLeg(exchange.from, { kind: 'answer', body: crossed }),
    { kind: 'snapshot' },
  ];
  return [done, outputs];
}

/** The asking side's ACK brings its answer to the other's offer. */
function onAcknowledged(coupling: Coupling, leg: string, body: Body | undefined): CouplingStep {
  const { exchange } = coupling;
  const path = coupling.paths[0];
  if (exchange?.stage !== 'acking' || exchange.from !== leg || path === undefined) return [coupling, []];
  const peer = peerOf(coupling, leg);
  const { exchange: _, ...rest } = coupling;
  if (peer === undefined) return [rest, []];
  const [next, crossed] = body === undefined ? [rest, undefined] : describe(rest, peer, path, body);
  // No answer where one was due: the offer stands unanswered, and the phone must have its ACK all the same.
  if (body === undefined || crossed === undefined) return [rest, [toLeg(peer, { kind: 'acknowledge' })]];
  const outputs: CouplingOutput[] = [
    connect(coupling, leg, path, body),
    ...(exchange.body === undefined || exchange.first ? [] : [connect(coupling, peer, path, exchange.body)]),
    toLeg(peer, { kind: 'acknowledge', body: crossed }),
    { kind: 'snapshot' },
  ];
  return [next, outputs];
}

function onFailed(coupling: Coupling, leg: string, status: number): CouplingStep {
  const { exchange } = coupling;
  if (exchange?.stage !== 'crossing' || peerOf(coupling, exchange.from) !== leg) return [coupling, []];
  return abandon(coupling, forPeer(status, 488));
}

function onWithdrawn(coupling: Coupling, leg: string): CouplingStep {
  const { exchange } = coupling;
  if (exchange?.from !== leg) return [coupling, []];
  const { exchange: _, ...rest } = coupling;
  const peer = peerOf(coupling, leg);
  return [rest, exchange.stage === 'crossing' && peer !== undefined ? [toLeg(peer, { kind: 'withdraw' })] : []];
}

/** The asking side is refused, and the call goes on as it was (RFC 3261 §14.1). */
function abandon(coupling: Coupling, status: number): CouplingStep {
  const { exchange, ...rest } = coupling;
  return [rest, exchange === undefined ? [] : [reject(exchange.from, status, 'offer-refused')]];
}

/** A description for one side, with that side's ports of ours, and the coupling that has counted it. */
function describe(coupling: Coupling, to: string, path: MediaPath, body: Body): [Coupling, Body | undefined] {
  const call = coupling.id;
  if (to === CALLER) {
    const version = coupling.caller.version + 1;
    return [{ ...coupling, caller: { ...coupling.caller, version } }, across(body, { streams: path.a, call, version })];
  }
  const version = (coupling.forks.find(({ leg }) => leg === to)?.version ?? 0) + 1;
  const forks = coupling.forks.map((fork) => (fork.leg === to ? { ...fork, version } : fork));
  return [{ ...coupling, forks }, across(body, { streams: path.b, call, version })];
}

function connect(coupling: Coupling, leg: string, { bridge }: MediaPath, description: Body): CouplingOutput {
  const side = leg === CALLER ? coupling.caller : coupling.forks.find((fork) => fork.leg === leg);
  return { kind: 'connect', bridge, side: leg === CALLER ? 'a' : 'b', source: side?.source ?? '', description };
}

const toLeg = (leg: string, command: LegCommand): CouplingOutput => ({ kind: 'command', leg, command });
const reject = (leg: string, status: number, code: string): CouplingOutput =>
  toLeg(leg, { kind: 'reject', status, why: because(code) });
