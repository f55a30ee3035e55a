/** A call after `kill -9` of signalling: its audio never stopped, and from here on its phones can end, hold and resume it. */
import { ALL_RIGHTS } from '../../kernel/principal.ts';
import { because } from '../../kernel/reason.ts';
import { type CallSnapshot, LiveCall } from './live-call.ts';
import type { Switchboard } from './switchboard.ts';

/**
 * Undefined for one that cannot go on: it rang when we fell, and its caller's INVITE is lost; or there is no `room` for it
 * any more. It is recorded as ended.
 */
export function restoreCall(board: Switchboard, snapshot: CallSnapshot, room: boolean): LiveCall | undefined {
  const { facts, coupling, legs } = snapshot;
  const whole = coupling.phase === 'up' && legs.filter(({ call }) => call.state === 'confirmed').length === 2;
  if (!whole || !room) {
    const { id, tenant, caller, callee, callId } = facts;
    const times = { ...coupling.times, end: board.context.clock.wall() };
    const end = {
      by: 'server',
      cause: 'lost',
      reason: because(whole ? 'too-many-calls' : 'signalling-restarted-before-answer'),
    } as const;
    board.ended({ id, tenant, caller, callee, callId, phase: 'ended', times, end, legs: [] });
    for (const { bridge } of coupling.paths) {
      board.context.media.release(bridge).catch(() => board.context.counters.of('calls_release_failed').value++);
    }
    return undefined;
  }
  const { exchange: _, ...settled } = coupling;
  const call = new LiveCall(board, facts, settled, snapshot.described);
  for (const { id, principal, place, call: usage } of legs) {
    if (usage.state !== 'confirmed') continue;
    const who = 'rights' in principal ? { ...principal, rights: ALL_RIGHTS } : principal;
    const leg = board.addLeg(call, id, who, place);
    // No room for its dialog: what is left of the call is ended when the first request comes, or by its longest time.
    if (!leg.begin(usage)) call.legs.delete(id);
  }
  call.resume();
  return call;
}
