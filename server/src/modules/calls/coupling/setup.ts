/** From the first ring to the answer, or to the end: what the caller is told of what its callee's phones say. */
import type { Wall } from '@strowger/proto';
import { because } from '../../../kernel/reason.ts';
import type { Body, LegEnded, LegEvent } from '../leg.ts';
import { bestFailure } from './best-failure.ts';
import { across, streamsIn } from './describe.ts';
import { finish } from './finish.ts';
import { allocatePath, goOn } from './launch.ts';
import {
  CALLER,
  type CallEnd,
  type Coupling,
  type CouplingOutput,
  type CouplingStep,
  type Fork,
  type MediaPath,
} from './state.ts';

type ForkEvent = Extract<LegEvent, { kind: 'progress' | 'answered' | 'ended' }>;

/** What is passed on (100 is each hop's own), and how much it tells: nothing after it tells less. */
const TELLS: Readonly<Record<number, number>> = { 181: 1, 182: 1, 183: 1, 180: 2 };
const tells = (status: number | undefined): number => TELLS[status ?? 0] ?? 0;

/** The caller went: by CANCEL, BYE, or silence where an ACK was due. */
export function onCallerEvent(coupling: Coupling, event: LegEnded, now: Wall): CouplingStep {
  const { cause, status } = event;
  const up = coupling.phase === 'up';
  const reason = because(up ? `caller-${cause}` : `caller-${cause}-before-answer`);
  const end: CallEnd = { by: event.by === 'network' ? 'network' : 'caller', cause, reason };
  const [ended, outputs] = finish(coupling, status === undefined ? end : { ...end, status }, now);
  return [ended, outputs.filter((output) => !(output.kind === 'command' && output.leg === CALLER))];
}

export function onForkEvent(coupling: Coupling, leg: string, event: ForkEvent, now: Wall): CouplingStep {
  const fork = coupling.forks.find((f) => f.leg === leg);
  if (!fork || fork.state === 'over') return [coupling, []];
  switch (event.kind) {
    case 'progress':
      return onProgress(coupling, fork, event.status, event.body, now);
    case 'answered':
      return onAnswered(coupling, fork, event.body, now);
    case 'ended':
      return coupling.winner === leg ? winnerLeft(coupling, event, now) : onRefused(coupling, fork, event, now);
  }
}

function onProgress(coupling: Coupling, fork: Fork, status: number, body: Body | undefined, now: Wall): CouplingStep {
  if (coupling.phase !== 'ringing' || tells(status) === 0) return [coupling, []];
  const times = status === 180 && coupling.times.ring === undefined ? { ...coupling.times, ring: now } : coupling.times;
  const ringing = { ...coupling, times };
  const path = coupling.paths.find(({ bind }) => bind === fork.bind);
  // With two bridges the final answer may come by the other one, and an answer once given may not change (RFC 3261 §13.2.1).
  const early =
    body && coupling.offer && path && coupling.paths.length === 1 ? earlyMedia(ringing, fork, path, body) : undefined;
  if (early) return early;
  // Ringing on top of what it hears already would silence that at many a phone.
  if (coupling.early || tells(status) <= tells(coupling.told)) return [ringing, []];
  return [
    { ...ringing, told: status },
    [{ kind: 'command', leg: CALLER, command: { kind: 'progress', status } }, { kind: 'snapshot' }],
  ];
}

/** What the callee's side plays before it answers: ring-back of its own, announcements (RFC 3960). */
function earlyMedia(coupling: Coupling, fork: Fork, path: MediaPath, body: Body): CouplingStep | undefined {
  const version = coupling.caller.version + 1;
  const described = across(body, { streams: path.a, call: coupling.id, version });
  if (described === undefined) return undefined;
  return [
    { ...coupling, told: 183, early: true, caller: { ...coupling.caller, version } },
    [
      { kind: 'connect', bridge: path.bridge, side: 'b', source: fork.source, description: body },
      { kind: 'command', leg: CALLER, command: { kind: 'progress', status: 183, body: described } },
      { kind: 'snapshot' },
    ],
  ];
}

function onAnswered(coupling: Coupling, fork: Fork, body: Body | undefined, now: Wall): CouplingStep {
  if (coupling.winner !== undefined || coupling.phase === 'up') {
    // Two picked up at once: the first has it.
    const hangUp = { kind: 'hang-up', why: because('answered-elsewhere') } as const;
    return [setFork(coupling, fork, { state: 'over' }), [{ kind: 'command', leg: fork.leg, command: hangUp }]];
  }
  const won = takeWinner(coupling, fork);
  if (body === undefined || streamsIn(body) === undefined) return noDescription(won[0], won[1], now);
  const path = coupling.paths.find(({ bind }) => bind === fork.bind);
  if (coupling.offer === undefined) return askCaller(won, fork, body);
  if (!path) return noDescription(won[0], won[1], now);
  const version = coupling.caller.version + 1;
  const answer = across(body, { streams: path.a, call: coupling.id, version });
  if (answer === undefined) return noDescription(won[0], won[1], now);
  const { offer: _, ...rest } = won[0];
  return [
    { ...rest, phase: 'up', caller: { ...coupling.caller, version }, times: { ...coupling.times, answer: now } },
    [
      ...won[1],
      { kind: 'connect', bridge: path.bridge, side: 'b', source: fork.source, description: body },
      { kind: 'command', leg: CALLER, command: { kind: 'answer', body: answer } },
      { kind: 'snapshot' },
    ],
  ];
}

/** The caller made no offer: the phone's goes to it in the 200, and its ACK will answer (RFC 3261 §13.2.1). */
function askCaller([coupling, outputs]: CouplingStep, fork: Fork, body: Body): CouplingStep {
  const exchange = { from: CALLER, late: true, body, stage: 'media', first: true } as const;
  const [next, more] = allocatePath({ ...coupling, exchange }, fork.bind, streamsIn(body) ?? 1);
  return [next, [...outputs, ...more]];
}

/** The others stop ringing, and their bridges go back. */
function takeWinner(coupling: Coupling, fork: Fork): CouplingStep {
  const outputs: CouplingOutput[] = [];
  const forks = coupling.forks.map((other): Fork => {
    if (other.leg === fork.leg) return { ...other, state: 'answered' };
    if (other.state === 'trying') {
      const hangUp = { kind: 'hang-up', why: because('answered-elsewhere') } as const;
      outputs.push({ kind: 'command', leg: other.leg, command: hangUp });
    }
    return { ...other, state: 'over' };
  });
  for (const { bridge, bind } of coupling.paths) if (bind !== fork.bind) outputs.push({ kind: 'release', bridge });
  const paths = coupling.paths.filter(({ bind }) => bind === fork.bind);
  return [{ ...coupling, winner: fork.leg, forks, paths }, outputs];
}

function noDescription(coupling: Coupling, before: readonly CouplingOutput[], now: Wall): CouplingStep {
  const end: CallEnd = { by: 'callee', cause: 'rejected', status: 488, reason: because('answer-without-description') };
  const [ended, outputs] = finish(coupling, end, now);
  return [ended, [...before, ...outputs]];
}

function winnerLeft(coupling: Coupling, event: LegEnded, now: Wall): CouplingStep {
  const { cause, status } = event;
  const by = event.by === 'network' ? 'network' : 'callee';
  const end: CallEnd = { by, cause, reason: because(`callee-${cause}`) };
  const left = { ...coupling, forks: coupling.forks.map((fork): Fork => ({ ...fork, state: 'over' })) };
  return finish(left, status === undefined ? end : { ...end, status }, now);
}

/** One said no, or nothing: when it was the last of its group the next group rings, when of all, the caller is told. */
function onRefused(coupling: Coupling, fork: Fork, event: LegEnded, now: Wall): CouplingStep {
  // It rang and nobody came (480); 408 is for the phone that never said a word (RFC 3261 §21.4.9, §21.4.18).
  const status = event.cause === 'no-answer' ? 480 : (event.status ?? 480);
  const next = setFork(coupling, fork, { state: 'over', status });
  // RFC 3261 §16.7: a 6xx speaks for the person, not for the phone.
  if (status >= 600) return finish(next, bestFailure([status], event.cause), now);
  return goOn(next, event, now);
}

function setFork(coupling: Coupling, fork: Fork, change: Partial<Fork>): Coupling {
  return { ...coupling, forks: coupling.forks.map((f) => (f.leg === fork.leg ? { ...f, ...change } : f)) };
}
