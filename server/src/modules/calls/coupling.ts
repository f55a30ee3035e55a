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
import { forPeer } from './coupling/best-failure.ts';
import { hangUp } from './coupling/finish.ts';
import { launch } from './coupling/launch.ts';
import { onAllocated, onMediaFailed } from './coupling/media.ts';
import { onOfferEvent } from './coupling/offer.ts';
import { onCallerEvent, onForkEvent } from './coupling/setup.ts';
import {
  CALLER,
  type Coupling,
  type CouplingInput,
  type CouplingOutput,
  type CouplingStart,
  type CouplingStep,
  peerOf,
} from './coupling/state.ts';
import type { LegCommand, LegEvent } from './leg.ts';

export * from './coupling/state.ts';

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
  return launch(coupling, 0, o.now);
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
      const { context: key } = event;
      const status = forPeer(event.status, 480);
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
  // RFC 3261 §11.2: what each side can do it asks us, who are the other side.
  if (method === 'OPTIONS') return [coupling, [answerRequest(leg, key, 200)]];
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
