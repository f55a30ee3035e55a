/** Having phones ring: the groups of forks one after another, each fork with its own bridge's ports in the offer. */
import { because } from '../../../kernel/reason.ts';
import { across, streamsIn } from './describe.ts';
import { finish } from './finish.ts';
import type { Coupling, CouplingOutput, CouplingStep, Fork, MediaPath } from './state.ts';

/** Begins a group: with an offer its bridges first, without one the phones at once (they will offer). */
export function launch(coupling: Coupling, group: number): CouplingStep {
  const members = coupling.forks.filter((fork) => fork.group === group && fork.state === 'waiting');
  if (coupling.offer === undefined) {
    const forks = coupling.forks.map((fork) => (members.includes(fork) ? { ...fork, state: 'trying' as const } : fork));
    const calls: CouplingOutput[] = members.map(({ leg }) => ({ kind: 'call', leg }));
    return [{ ...coupling, phase: 'ringing', forks }, calls];
  }
  const streams = streamsIn(coupling.offer);
  if (streams === undefined || streams === 0) {
    const end = { by: 'server', cause: 'rejected', status: 488, reason: because('offer-unreadable') } as const;
    return finish(coupling, end, coupling.times.start);
  }
  let next = coupling;
  const outputs: CouplingOutput[] = [];
  for (const bind of new Set(members.map((fork) => fork.bind))) {
    const path = coupling.paths.find((p) => p.bind === bind);
    if (path && path.a.length > 0) {
      const [called, calls] = callThrough(next, path, group);
      next = called;
      outputs.push(...calls);
    } else {
      const [allocating, more] = allocatePath(next, bind, streams);
      next = allocating;
      outputs.push(...more);
    }
  }
  return [next, outputs];
}

/** Asks for a bridge whose `b` side listens on that address, or for more streams of the one there is. */
export function allocatePath(coupling: Coupling, bind: string, streams: number): CouplingStep {
  const known = coupling.paths.find((path) => path.bind === bind);
  const path: MediaPath = known
    ? { ...known, streams }
    : { bridge: `${coupling.id}/${coupling.paths.length}`, bind, streams, a: [], b: [] };
  const paths = known ? coupling.paths.map((p) => (p === known ? path : p)) : [...coupling.paths, path];
  const binds = { a: coupling.caller.bind, b: bind };
  return [{ ...coupling, paths }, [{ kind: 'allocate', bridge: path.bridge, binds, streams }]];
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
