/** Ports have come, or none could be had. */
import { because } from '../../../kernel/reason.ts';
import { finish } from './finish.ts';
import { callThrough, currentGroup } from './launch.ts';
import { crossOffer, offerToCaller } from './offer.ts';
import type { Coupling, CouplingInput, CouplingStep } from './state.ts';

type Allocated = Extract<CouplingInput, { kind: 'allocated' }>;
type Failed = Extract<CouplingInput, { kind: 'media-failed' }>;

export function onAllocated(coupling: Coupling, { bridge, a, b, now }: Allocated): CouplingStep {
  const path = coupling.paths.find((p) => p.bridge === bridge);
  // The fork it was for is over, and the call went another way.
  if (!path) return [coupling, [{ kind: 'release', bridge }]];
  const ready = { ...path, a, b };
  const next = { ...coupling, paths: coupling.paths.map((p) => (p === path ? ready : p)) };
  if (coupling.exchange?.stage === 'media') {
    return coupling.exchange.first ? offerToCaller(next, ready, now) : crossOffer(next, ready);
  }
  const group = currentGroup(next);
  return group === undefined || coupling.phase === 'up' ? [next, []] : callThrough(next, ready, group);
}

export function onMediaFailed(coupling: Coupling, { bridge, code, now }: Failed): CouplingStep {
  const { exchange } = coupling;
  if (exchange?.stage === 'media' && !exchange.first) {
    const { exchange: _, ...rest } = coupling;
    const reject = { kind: 'reject', status: 500, why: because('no-media', { code }) } as const;
    return [rest, [{ kind: 'command', leg: exchange.from, command: reject }]];
  }
  if (!coupling.paths.some((path) => path.bridge === bridge) || coupling.phase === 'up') return [coupling, []];
  const end = { by: 'server', cause: 'no-media', status: 503, reason: because('no-media', { code }) } as const;
  return finish(coupling, end, now);
}
