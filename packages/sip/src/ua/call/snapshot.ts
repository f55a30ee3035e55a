/** A call as another process can take it over. */
import { commonOf } from './common.ts';
import type { Call, Confirmed } from './state.ts';

/**
 * What of a call survives the process that holds it: the confirmed dialog. Its deadlines are of this boot's clock, and
 * what is under way hangs on transactions that die with the process, so both are left out: a re-INVITE is lost, the
 * call is not. Undefined for a call that is not confirmed: there is nothing yet, or nothing any more, to go on with.
 */
export function snapshotCall(call: Call): Confirmed | undefined {
  if (call.state !== 'confirmed') return undefined;
  const common = { ...commonOf(call), timers: {}, unanswered: [], sent: [] };
  const dialog = { ...call.dialog, localSeq: call.dialog.localSeq + SEQ_GAP };
  return { ...common, state: 'confirmed', dialog, acks: [] };
}

/** A snapshot is not taken at every request, so numbers may have gone out since; a gap is allowed (§12.2.2), a lower one not. */
const SEQ_GAP = 1000;
