/** Having phones ring: the groups of forks one after another, each fork with its own bridge's ports in the offer. */
import type { Wall } from '@strowger/proto';
import { because } from '../../../kernel/reason.ts';
import { bestFailure } from './best-failure.ts';
import { across, streamsIn } from './describe.ts';
import { finish } from './finish.ts';
import type { CallEnd, Coupling, CouplingOutput, CouplingStep, Fork, MediaPath } from './state.ts';

/** Begins a group: with an offer its bridges first, without one the phones at once (they will offer). */
export function launch(coupling: Coupling, group: number, now: Wall): CouplingStep {
  const members = coupling.forks.filter((fork) => fork.group === group && fork.state === 'waiting');
  if (coupling.offer === undefined) {
    const forks = coupling.forks.map((fork) => (members.includes(fork) ? { ...fork, state: 'trying' as const } : fork));
    const calls: CouplingOutput[] = members.map(({ leg }) => ({ kind: 'call', leg }));
    return [{ ...coupling, phase: 'ringing', forks }, calls];
  }
  const streams = streamsIn(coupling.offer);
  if (streams === undefined || streams === 0) {
    const end = { by: 'server', cause: 'rejected', status: 488, reason: because('offer-unreadable') } as const;
    return finish(coupling, end, now);
  }
  let next = coupling;
  const outputs: CouplingOutput[] = [];
  for (const bind of new Set(members.map((fork) => fork.bind))) {
    const path = next.paths.find((p) => p.bind === bind);
    // One that is asked for already has its phones ring when it comes.
    if (path && path.a.length === 0) continue;
    const [after, more] = path ? callThrough(next, path, group) : allocatePath(next, bind, streams);
    next = after;
    outputs.push(...more);
  }
  return settle([next, outputs], { cause: 'rejected' }, now);
}

/** Asks for a bridge whose `b` side listens on that address, or for more streams of the one there is. */
export function allocatePath(coupling: Coupling, bind: string, streams: number): CouplingStep {
  const known = coupling.paths.find((path) => path.bind === bind);
  const path: MediaPath = known
    ? { ...known, streams }
    : { bridge: `${coupling.id}/${nextNumber(coupling)}`, bind, streams, a: [], b: [] };
  const paths = known ? coupling.paths.map((p) => (p === known ? path : p)) : [...coupling.paths, path];
  const binds = { a: coupling.caller.bind, b: bind };
  return [{ ...coupling, paths }, [{ kind: 'allocate', bridge: path.bridge, binds, streams }]];
}

/** Bridges come and go; two of one name never are at once. */
function nextNumber({ paths }: Coupling): number {
  return Math.max(-1, ...paths.map(({ bridge }) => Number(bridge.split('/').at(-1)))) + 1;
}

/** The bridge is there: its phones of the running group ring, and it knows where the caller listens. */
export function callThrough(coupling: Coupling, path: MediaPath, group: number): CouplingStep {
  const { offer } = coupling;
  if (offer === undefined) return [coupling, []];
  const outputs: CouplingOutput[] = [
    { kind: 'connect', bridge: path.bridge, side: 'a', source: coupling.caller.source, description: offer },
  ];
  const forks = coupling.forks.map((fork): Fork => {
    if (fork.group !== group || fork.bind !== path.bind || fork.state !== 'waiting') return fork;
    const version = fork.version + 1;
    const body = across(offer, { streams: path.b, call: coupling.id, version });
    if (body === undefined) return { ...fork, state: 'over', status: 488 };
    outputs.push({ kind: 'call', leg: fork.leg, body });
    return { ...fork, version, state: 'trying' };
  });
  return [{ ...coupling, phase: 'ringing', forks }, outputs];
}

/** The group that is to ring, or is ringing: the lowest with somebody left to try. */
export function currentGroup(coupling: Coupling): number | undefined {
  const open = coupling.forks.filter(({ state }) => state === 'waiting' || state === 'trying');
  return open.length === 0 ? undefined : Math.min(...open.map(({ group }) => group));
}

/** Why somebody is out: the cause of a leg's end, or the code of media's error. */
export interface Out {
  readonly cause: string;
  readonly media?: string;
}

/** Somebody is out: the others go on ringing, or the next group begins, or it was the last and the caller is told. */
export function goOn(coupling: Coupling, out: Out, now: Wall): CouplingStep {
  if (coupling.forks.some(({ state }) => state === 'trying')) return [coupling, []];
  const group = currentGroup(coupling);
  return group === undefined ? nobodyLeft(coupling, out, now) : launch(coupling, group, now);
}

/** After a step that may have left nobody to ring. */
export function settle([coupling, outputs]: CouplingStep, out: Out, now: Wall): CouplingStep {
  const open = coupling.forks.some(({ state }) => state === 'trying' || state === 'answered');
  const coming = coupling.paths.some(({ a }) => a.length === 0);
  if (open || coming || coupling.phase === 'ended') return [coupling, outputs];
  const [next, more] = goOn(coupling, out, now);
  return [next, [...outputs, ...more]];
}

function nobodyLeft(coupling: Coupling, { cause, media }: Out, now: Wall): CouplingStep {
  const statuses = coupling.forks.map(({ status }) => status ?? 480);
  if (media === undefined || statuses.some((status) => status !== 503)) {
    return finish(coupling, bestFailure(statuses, cause), now);
  }
  const reason = because('no-media', { code: media });
  const end: CallEnd = { by: 'server', cause: 'no-media', status: 503, reason };
  return finish(coupling, end, now);
}
