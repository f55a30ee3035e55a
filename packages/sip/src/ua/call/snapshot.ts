/** A call as another process can take it over. */
import type { Mono } from '@strowger/proto';
import { commonOf, lifetime } from './common.ts';
import type { Call, Confirmed } from './state.ts';

/**
 * What of a call survives the process that holds it: its dialog, and our 2xx as long as it lacks its ACK. Deadlines are
 * of this boot's clock, and what else is under way hangs on transactions that die with the process, so both are left
 * out: a re-INVITE is lost, the call is not. A call being hung up is given as confirmed: hang it up once more, for the
 * BYE may never have left. Undefined where there is nothing yet, or nothing any more, to go on with.
 */
export function snapshotCall(call: Call): Confirmed | undefined {
  if (call.state !== 'confirmed' && call.state !== 'terminating') return undefined;
  const { exchange } = call;
  const common = { ...commonOf(call), timers: {}, unanswered: [], sent: [] };
  const dialog = { ...call.dialog, localSeq: call.dialog.localSeq + SEQ_GAP };
  const unacknowledged = exchange?.kind === 'accepted' ? { exchange } : {};
  return { ...common, state: 'confirmed', dialog, acks: [], ...unacknowledged };
}

/**
 * Goes on with a snapshot. `ageMs` is how old it is: a 2xx older than 64·T1 has its ACK, or the call would be over; a
 * younger one goes out again, at once and until its ACK (RFC 3261 §13.3.1.4).
 */
export function resumeCall(snapshot: Confirmed, ageMs: number, now: Mono): Confirmed {
  const { exchange, ...rest } = snapshot;
  if (exchange?.kind !== 'accepted' || ageMs >= 64 * snapshot.timing.T1) return rest;
  const again = { ...exchange, interval: snapshot.timing.T1 / 2 };
  return { ...rest, exchange: again, timers: { retransmit: now, 'no-ack': lifetime(snapshot, now) } };
}

/** A snapshot is not taken at every request, so numbers may have gone out since; a gap is allowed (§12.2.2), a lower one not. */
const SEQ_GAP = 1000;
