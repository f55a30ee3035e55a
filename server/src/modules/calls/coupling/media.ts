/** Ports have come, or none could be had. */
import type { Wall } from '@strowger/proto';
import { because } from '../../../kernel/reason.ts';
import { finish } from './finish.ts';
import { callThrough, currentGroup, goOn, settle } from './launch.ts';
import { crossOffer, offerToCaller } from './offer.ts';
import type { Coupling, CouplingInput, CouplingStep, Fork, MediaPath } from './state.ts';

type Allocated = Extract<CouplingInput, { kind: 'allocated' }>;
type Failed = Extract<CouplingInput, { kind: 'media-failed' }>;

export function onAllocated(coupling: Coupling, { bridge, a, b, now }: Allocated): CouplingStep {
  const path = coupling.paths.find((p) => p.bridge === bridge);
  // The call went another way meanwhile, and its release is on the way behind our asking.
  if (!path) return [coupling, []];
  const ready = { ...path, a, b };
  const next = { ...coupling, paths: coupling.paths.map((p) => (p === path ? ready : p)) };
  if (coupling.exchange?.stage === 'media') {
    return coupling.exchange.first ? offerToCaller(next, ready, now) : crossOffer(next, ready);
  }
  const group = currentGroup(next);
  if (group === undefined || coupling.phase === 'up') return [next, []];
  return settle(callThrough(next, ready, group), { cause: 'rejected' }, now);
}

export function onMediaFailed(coupling: Coupling, { bridge, code, now }: Failed): CouplingStep {
  const { exchange } = coupling;
  const path = coupling.paths.find((p) => p.bridge === bridge);
  if (!path) return [coupling, []];
  if (exchange?.stage === 'media' && !exchange.first) {
    const { exchange: _, ...rest } = coupling;
    const reject = { kind: 'reject', status: 500, why: because('no-media', { code }) } as const;
    // It has the streams it had before.
    const paths = coupling.paths.map((p) => (p === path ? { ...p, streams: p.b.length } : p));
    return [{ ...rest, paths }, [{ kind: 'command', leg: exchange.from, command: reject }]];
  }
  if (coupling.phase === 'up') return [coupling, []];
  if (exchange?.first) {
    const end = { by: 'server', cause: 'no-media', status: 503, reason: because('no-media', { code }) } as const;
    return finish(coupling, end, now);
  }
  return withoutPath(coupling, path, code, now);
}

/** Who was to be reached by it is out; phones of the other family may ring on. */
function withoutPath(coupling: Coupling, path: MediaPath, code: string, now: Wall): CouplingStep {
  const group = currentGroup(coupling);
  const forks = coupling.forks.map((fork): Fork => {
    const waited = fork.state === 'waiting' && fork.group === group && fork.bind === path.bind;
    return waited ? { ...fork, state: 'over', status: 503 } : fork;
  });
  const next = { ...coupling, forks, paths: coupling.paths.filter((p) => p !== path) };
  const [after, outputs] = goOn(next, { cause: 'no-media', media: code }, now);
  // Of a bridge that media made after all (its answer was lost), nothing is to be left.
  return [after, [{ kind: 'release', bridge: path.bridge }, ...outputs]];
}
