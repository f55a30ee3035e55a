/** An ended call as a row of the record. */
import type { EndedCall } from '../calls/api.ts';
import type { CdrRow } from './store.ts';

export function rowOf(call: EndedCall): CdrRow {
  const { times, end } = call;
  const status = times.answer === undefined ? end.status : 200;
  return {
    id: call.id,
    callId: call.callId,
    startedAt: times.start,
    ...(times.ring === undefined ? {} : { ringingAt: times.ring }),
    ...(times.answer === undefined ? {} : { answeredAt: times.answer }),
    endedAt: times.end ?? times.start,
    caller: call.caller.number,
    callee: call.callee.number,
    outcome: outcomeOf(call),
    ...(status === undefined ? {} : { status }),
    endedBy: end.by === 'caller' || end.by === 'callee' ? end.by : 'system',
    reason: end.reason.code,
    legs: call.legs,
  };
}

/** In a word: what became of it, for the list people read. */
function outcomeOf({ times, end }: EndedCall): string {
  if (times.answer !== undefined) return 'answered';
  if (end.by === 'caller') return 'cancelled';
  if (end.cause === 'busy' || end.cause === 'no-answer' || end.cause === 'no-response') return end.cause;
  return end.status === 603 ? 'declined' : end.by === 'callee' ? 'refused' : 'failed';
}
