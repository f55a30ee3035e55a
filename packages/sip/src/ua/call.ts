/**
 * The INVITE usage: one call as one of its two user agents sees it, RFC 3261 §13–15 (and RFC 5407 for its races).
 *
 *   UAC   calling ──1xx──▶ proceeding ──2xx──▶ confirmed ──BYE──▶ terminating ──▶ ended
 *            └──hang-up──▶ cancelling ──2xx (lost race)───────────▲                ▲
 *   UAS   ringing ──answer──▶ confirmed                                            │
 *            └──reject, CANCEL, BYE────────────────────────────────────────────────┘
 *
 * A pure reducer over plain data: `step(call, input)` gives the next call and what to do about it, in order. The host
 * performs outputs, feeds what comes back, and gives a `tick` at `nextDeadline(call)`. It drops the call when its state
 * is `'ended'`; nothing is ever sent after that. The event `ended` comes earlier and exactly once: when it is settled
 * that there is no call (so a hang-up is `ended` at once, while its BYE may still be on the way).
 *
 *   outputs to perform   send     → stack.request(text, resolve(nextHop)); feed its responses (or `failed`)
 *                        ack      → stack.ack(text, resolve(nextHop))
 *                        cancel   → stack.cancel(key of the INVITE with that seq)
 *                        respond  → stack.respond(key, text)
 *   events for the TU    progress · answered · acknowledged · offer · offer-withdrawn · offer-answered · offer-failed ·
 *                        request · reply · challenged · ended
 *   what the wire says   request · ack · cancelled · response · failed · tick
 *   what the TU wants    progress · answer · reject          (the UAS, of the first INVITE or a re-INVITE)
 *                        acknowledge                         (the UAC, after `answered` and `offer-answered`)
 *                        offer · withdraw                    (our re-INVITE)
 *                        send · respond                      (INFO and the like, both ways)
 *                        hang-up                             (in any state: CANCEL, refusal or BYE, as it fits)
 *
 * A command that fits no longer (the peer was faster) is ignored; `offer` and `send` are then answered by `offer-failed`
 * and `reply`, so that a call coupled to this one is not left waiting.
 *
 * A confirmed call outlives its process as `snapshotCall(call)`. What the TU gives is kept for as long as it may be sent:
 * `own` what comes from a message.
 *
 * A first INVITE refused with 401, 407, 422 or 3xx ends this machine; try again with `startOutgoing` and the same
 * Call-ID and local tag, `seq` one above that in the event, and what was asked for in `fields` or `uri`.
 */
import type { Mono } from '@strowger/proto';
import { stepConfirmed } from './call/confirmed.ts';
import { stepIncoming } from './call/incoming.ts';
import { stepOutgoing } from './call/outgoing.ts';
import type { Call } from './call/state.ts';
import { stepTerminating } from './call/terminating.ts';
import type { Input, Step } from './call/words.ts';

export { type IncomingCall, startIncoming } from './call/incoming.ts';
export { type OutgoingCall, startOutgoing } from './call/outgoing.ts';
export { resumeCall, snapshotCall } from './call/snapshot.ts';
export type { Call, Confirmed, Ended, Incoming, Outgoing, Terminating, TransactionKey } from './call/state.ts';
export { answerStray } from './call/stray.ts';
export type * from './call/words.ts';

/** One input, taken in. */
export function step(call: Call, input: Input): Step {
  switch (call.state) {
    case 'calling':
    case 'proceeding':
    case 'cancelling':
      return stepOutgoing(call, input);
    case 'ringing':
      return stepIncoming(call, input);
    case 'confirmed':
      return stepConfirmed(call, input);
    case 'terminating':
      return stepTerminating(call, input);
    case 'ended':
      return [call, []];
  }
}

/** When the next `tick` is wanted; undefined for none. */
export function nextDeadline(call: Call): Mono | undefined {
  if (call.state === 'ended') return undefined;
  let next: Mono | undefined;
  for (const at of Object.values(call.timers)) if (next === undefined || at < next) next = at;
  return next;
}
