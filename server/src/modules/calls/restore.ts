/** A call after `kill -9` of signalling: its audio never stopped, and from here on its phones can end, hold and resume it. */
import { type Call, resumeCall } from '@strowger/sip/ua';
import { ALL_RIGHTS } from '../../kernel/principal.ts';
import { because, type Reason } from '../../kernel/reason.ts';
import { type CallSnapshot, LiveCall } from './live-call.ts';
import type { Switchboard } from './switchboard.ts';

/**
 * The call as it goes on: as it was, or, where it rang when we fell (the INVITEs are lost) or there is no `room` for it,
 * as one that has ended, whose phones are still to be told. Undefined when there is nobody to tell.
 */
export function restoreCall(board: Switchboard, snapshot: CallSnapshot, room: boolean): LiveCall | undefined {
  const { facts, coupling, legs, described, at } = snapshot;
  const whole = coupling.phase === 'up' && legs.filter(({ call }) => call.state === 'confirmed').length === 2;
  if (coupling.phase !== 'ended' && !(whole && room)) {
    record(board, snapshot, because(whole ? 'too-many-calls' : 'signalling-restarted-before-answer'));
  }
  if (!room) return undefined;
  const { exchange: _, ...settled } = coupling;
  const call = new LiveCall(board, facts, whole ? settled : { ...settled, phase: 'ended' }, described);
  for (const { id, principal, place, call: usage } of legs) {
    const resumed = resumeLeg(board, usage, at);
    if (!resumed) continue;
    const who = 'rights' in principal ? { ...principal, rights: ALL_RIGHTS } : principal;
    const leg = board.addLeg(call, id, who, place);
    // No room for its dialog: what is left of the call is ended when the first request comes, or by its longest time.
    if (!leg.begin(resumed)) call.legs.delete(id);
  }
  return call.legs.size > 0 ? call : undefined;
}

/** A caller that hears ringing can be told that nothing comes of it; a phone that rings cannot: its INVITE's branch is lost. */
function resumeLeg({ context }: Switchboard, usage: Call, at: CallSnapshot['at']): Call | undefined {
  if (usage.state === 'ringing') return { ...usage, timers: {} };
  if (usage.state !== 'confirmed') return undefined;
  return resumeCall(usage, context.clock.wall() - at, context.clock.now());
}

function record(board: Switchboard, { facts, coupling }: CallSnapshot, reason: Reason): void {
  const { context } = board;
  const { id, tenant, caller, callee, callId } = facts;
  const times = { ...coupling.times, end: context.clock.wall() };
  const end = { by: 'server', cause: 'lost', reason } as const;
  board.ended({ id, tenant, caller, callee, callId, phase: 'ended', times, end, legs: [] });
  for (const { bridge } of coupling.paths) {
    context.media.release(bridge).catch(() => context.counters.of('calls_release_failed').value++);
  }
}
