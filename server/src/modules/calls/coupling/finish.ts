/** The end of a call: every leg is told, every bridge goes back, once. */
import type { Wall } from '@strowger/proto';
import type { LegCommand } from '../leg.ts';
import { CALLER, type CallEnd, type Coupling, type CouplingOutput, type CouplingStep } from './state.ts';

/** Ends the call, telling the caller (unless it is the one who left) and every phone that still rings or talks. */
export function finish(coupling: Coupling, end: CallEnd, now: Wall): CouplingStep {
  const outputs: CouplingOutput[] = [];
  if (end.by !== 'caller') {
    const command: LegCommand =
      coupling.times.answer === undefined
        ? { kind: 'reject', status: end.status ?? 480, why: end.reason }
        : { kind: 'hang-up', why: end.reason };
    outputs.push({ kind: 'command', leg: CALLER, command });
  }
  for (const { leg, state } of coupling.forks) {
    if (state === 'trying' || state === 'answered') {
      outputs.push({ kind: 'command', leg, command: { kind: 'hang-up', why: end.reason } });
    }
  }
  for (const { bridge } of coupling.paths) outputs.push({ kind: 'release', bridge });
  outputs.push({ kind: 'ended', end });
  const { offer: _, exchange: __, ...rest } = coupling;
  const forks = coupling.forks.map((fork) => ({ ...fork, state: 'over' as const }));
  return [{ ...rest, phase: 'ended', forks, times: { ...coupling.times, end: now } }, outputs];
}

/** Ends it from here: an administrator, a limit, a shutdown. */
export function hangUp(coupling: Coupling, end: CallEnd, now: Wall): CouplingStep {
  return finish(coupling, { status: 480, ...end }, now);
}
