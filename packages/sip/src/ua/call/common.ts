/** What the states' files share. */
import { later, type Mono, type Octets, octets } from '@strowger/proto';
import {
  type Body,
  type BuiltRequest,
  type Dialog,
  dialogFromResponse,
  requestInDialog,
  requestUri,
} from '../../dialog/index.ts';
import { contentType, type Field, type SipMessage, type SipRequest, type SipResponse } from '../../message/index.ts';
import type { Action, EndedEvent, Output } from './words.ts';

type SendAction = Extract<Action, { kind: 'send' }>;
type RespondAction = Extract<Action, { kind: 'respond' }>;

import { composeReply, type Reply, replyHead } from './reply.ts';
import type { Accepted, Common, Ended, KeptAck, Live, ReplyHead, Timers, TransactionKey } from './state.ts';

export const ENDED: Ended = { state: 'ended' };

export const ACK: Octets = octets`ACK`;
export const BYE: Octets = octets`BYE`;
export const INVITE: Octets = octets`INVITE`;
export const UPDATE: Octets = octets`UPDATE`;

/** Forks answered and early dialogs kept; more of them are an attack or a loop, and are let time out. */
export const MAX_FORKS = 16;

/** The part of a state that outlives it, and nothing else of it. */
export function commonOf(call: Live): Common {
  const { role, callId, localTag, contact, timing, seed, timers, unanswered, sent } = call;
  return { role, callId, localTag, contact, timing, seed, timers, unanswered, sent };
}

/** The deadlines without those named. */
export function without(timers: Timers, ...names: readonly (keyof Timers)[]): Timers {
  const left = { ...timers };
  for (const name of names) delete left[name];
  return left;
}

export function isDue(timers: Timers, name: keyof Timers, now: Mono): boolean {
  const at = timers[name];
  return at !== undefined && now >= at;
}

/** 64·T1: how long a transaction may take (§17). */
export const lifetime = (call: Common, now: Mono): Mono => later(now, 64 * call.timing.T1);

/** A number in [0, 1) and the seed of the next: minstd, enough to spread two retries. */
export function draw(seed: number): readonly [value: number, seed: number] {
  const next = (((Math.abs(Math.trunc(seed)) % 0x7ffffffe) + 1) * 48_271) % 0x7fffffff;
  return [next / 0x7fffffff, next];
}

/** Whole seconds from 0 to 10, for a request that came too early (§14.2). */
export function retryAfter<C extends Common>(call: C): readonly [C, readonly Field[]] {
  const [value, seed] = draw(call.seed);
  return [{ ...call, seed }, [['Retry-After', octets`${Math.floor(value * 11)}`]]];
}

/** The body of a message and its type; what names no type is taken for SDP, as all who leave it out mean it. */
export function bodyIn(message: SipMessage): { readonly body?: Body } {
  if (message.body === '') return {};
  return { body: { type: message.raw(contentType) ?? octets`application/sdp`, text: message.body } };
}

export function respond(key: TransactionKey, head: ReplyHead, reply: Reply): RespondAction {
  return { kind: 'respond', key, status: reply.status, text: composeReply(head, reply) };
}

/** The 2xx once more. */
export function repeat({ key, status, text }: Accepted): RespondAction {
  return { kind: 'respond', key, status, text, repeats: true };
}

/** Answers a request at once, keeping nothing of it. */
export function answerNow(call: Common, key: TransactionKey, request: SipRequest, reply: Reply): RespondAction {
  return respond(key, replyHead(request, call.localTag), reply);
}

/** §15.1.2: whoever still waits for us is told that there is no call any more. */
export function dismiss(call: Common): readonly Action[] {
  return call.unanswered.map(({ key, head }) => respond(key, head, { status: 487 }));
}

export function sendAction({ method, seq, text, nextHop }: BuiltRequest): SendAction {
  return { kind: 'send', method, seq, text, nextHop };
}

/** An ACK to a 2xx: built of the dialog, with the INVITE's number (§13.2.2.4). */
export function buildAck(
  dialog: Dialog,
  seq: number,
  parts: { readonly fields?: readonly Field[]; readonly body?: Body } = {},
): KeptAck {
  const { text, nextHop } = requestInDialog(dialog, { method: ACK, seq, ...parts });
  return { remoteTag: dialog.remoteTag, seq, text, nextHop };
}

export const ackAction = ({ text, nextHop }: KeptAck): Action => ({ kind: 'ack', text, nextHop });

/** ACK and BYE for a dialog that nobody wants: a fork's late 2xx (§13.2.2.4). */
export function turnAway(response: SipResponse, like?: Dialog): readonly [KeptAck, readonly Action[]] {
  // Without a Contact there is only the address of record to try.
  const fallbackTarget = like?.remoteTarget ?? requestUri(response.to.uri);
  const dialog = dialogFromResponse(response, { fallbackTarget, secure: like?.secure ?? false });
  const ack = buildAck(dialog, response.cseq.seq);
  const bye = sendAction(requestInDialog(dialog, { method: BYE }));
  return [ack, [ackAction(ack), { ...bye, detached: true }]];
}

/** The end, said once. */
export const ended = (event: Omit<EndedEvent, 'kind'>): Output => ({ kind: 'ended', ...event });
