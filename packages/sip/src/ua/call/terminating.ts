/** The end of a dialog by BYE, RFC 3261 §15: sent, crossed, challenged, or held back until our 2xx is acknowledged. */
import { later, type Mono, type Octets } from '@strowger/proto';
import { isOfDialog, remoteTagOf, requestInDialog } from '../../dialog/index.ts';
import type { Field, SipRequest, SipResponse } from '../../message/index.ts';
import {
  ackAction,
  answerNow,
  BYE,
  buildAck,
  commonOf,
  dismiss,
  ENDED,
  ended,
  INVITE,
  isDue,
  lifetime,
  repeat,
  respond,
  sendAction,
  without,
} from './common.ts';
import { onLateSuccess } from './offer.ts';
import type { RequestInput } from './requests.ts';
import type { Accepted, Common, Confirmed, InviteSent, Terminating } from './state.ts';
import type { Input, Output, Step } from './words.ts';

type End = Parameters<typeof ended>[0];

/** Ends a confirmed call from our side; the event is out at once, the BYE as soon as it may be. */
export function hangUp(call: Confirmed, now: Mono, event: End, fields?: readonly Field[]): Step {
  const { exchange, dialog } = call;
  const outputs: Output[] = [...dismiss(call)];
  let { acks } = call;
  if (exchange?.kind === 'received') outputs.push(respond(exchange.key, exchange.head, { status: 487 }));
  if (exchange?.kind === 'answered') {
    const ack = buildAck(dialog, exchange.seq);
    acks = [...acks, ack];
    outputs.push(ackAction(ack));
  }
  const common: Common = { ...commonOf(call), unanswered: [], sent: [], timers: without(call.timers, 'glare') };
  const terminating: Terminating = { ...common, state: 'terminating', dialog, acks };
  if (exchange?.kind === 'accepted' && exchange.first) {
    // §15: the callee may not send BYE before the ACK to its 2xx.
    const waiting = { ...terminating, exchange, ...(fields === undefined ? {} : { byeFields: fields }) };
    return [waiting, [...outputs, ended(event)]];
  }
  const [next, bye] = sendBye(terminating, now, fields);
  if (exchange?.kind === 'sent') outputs.push(...bye, giveUp(exchange));
  else outputs.push(...bye);
  return [next, [...outputs, ended(event)]];
}

/**
 * Our re-INVITE goes with its dialog. The peer owes it a 487 (§15.1.2), but one that has lost its memory says 100 and no
 * more, and nothing but a CANCEL gives such a transaction an end (§9.1).
 */
function giveUp({ seq }: InviteSent): Output {
  return { kind: 'cancel', seq };
}

/** Their BYE ends the call on the spot (§15.1.2). */
export function onBye(call: Confirmed, { key, request }: RequestInput): Step {
  const { exchange } = call;
  const outputs: Output[] = [answerNow(call, key, request, { status: 200 }), ...dismiss(call)];
  if (exchange?.kind === 'received') outputs.push(respond(exchange.key, exchange.head, { status: 487 }));
  if (exchange?.kind === 'sent') outputs.push(giveUp(exchange));
  return [ENDED, [...outputs, ended({ by: 'remote', cause: 'hung-up', request })]];
}

/** `terminating`. */
export function stepTerminating(call: Terminating, input: Input): Step {
  switch (input.kind) {
    case 'response':
      return onResponse(call, input.response, input.now);
    case 'failed':
      return input.method === BYE && input.seq === call.bye ? [ENDED, []] : [call, []];
    case 'ack':
      return call.exchange?.seq === input.request.cseq.seq && isOfDialog(call.dialog, input.request)
        ? sendBye(call, input.now, call.byeFields)
        : [call, []];
    case 'request':
      return onRequest(call, input.key, input.request);
    case 'hang-up':
      // After `challenged`, with credentials.
      return call.exchange ? [call, []] : sendBye(call, input.now, input.fields);
    case 'tick':
      return onTick(call, input.now);
    case 'send':
    case 'offer':
    case 'progress':
    case 'answer':
    case 'reject':
    case 'acknowledge':
    case 'withdraw':
    case 'respond':
    case 'cancelled':
      return [call, []];
  }
}

function sendBye(call: Terminating, now: Mono, fields?: readonly Field[]): Step {
  const { exchange: _, byeFields: __, ...rest } = call;
  const built = requestInDialog(call.dialog, { method: BYE, ...(fields === undefined ? {} : { fields }) });
  const timers = { ...without(call.timers, 'retransmit', 'no-ack'), bye: lifetime(call, now) };
  return [{ ...rest, dialog: built.dialog, bye: built.seq, timers }, [sendAction(built)]];
}

function onResponse(call: Terminating, response: SipResponse, now: Mono): Step {
  const { status, cseq } = response;
  if (status < 200) return [call, []];
  if (cseq.method === INVITE && status < 300) return onLateSuccess(call, response, now);
  if (cseq.method !== BYE || cseq.seq !== call.bye || isOfFork(call, remoteTagOf(response))) return [call, []];
  if (status !== 401 && status !== 407) return [ENDED, []];
  // Timer `bye` goes on: without credentials this is the end as well.
  return [call, [{ kind: 'challenged', response }]];
}

/** Whether a tag is that of a fork turned away, whose BYE may bear the number of ours. */
function isOfFork({ acks, dialog }: Terminating, tag: Octets): boolean {
  return tag !== dialog.remoteTag && acks.some(({ remoteTag }) => remoteTag === tag);
}

/** BYE meets BYE (RFC 5407 §3.2.3): both are answered 200. Anything else comes too late. */
function onRequest(call: Terminating, key: RequestInput['key'], request: SipRequest): Step {
  const status = request.method === BYE && isOfDialog(call.dialog, request) ? 200 : 481;
  const answer = answerNow(call, key, request, { status });
  // A BYE of theirs also settles what ours waited for.
  return status === 200 && call.exchange ? [ENDED, [answer]] : [call, [answer]];
}

function onTick(call: Terminating, now: Mono): Step {
  if (isDue(call.timers, 'bye', now)) return [ENDED, []];
  if (isDue(call.timers, 'no-ack', now)) return sendBye(call, now, call.byeFields);
  const outputs: Output[] = [];
  let next = call;
  if (isDue(call.timers, 'acks', now)) next = { ...next, acks: [], timers: without(next.timers, 'acks') };
  if (isDue(call.timers, 'retransmit', now) && call.exchange) {
    const [exchange, at] = again(call.exchange, call, now);
    next = { ...next, exchange, timers: { ...next.timers, retransmit: at } };
    outputs.push(repeat(exchange));
  }
  return [next, outputs];
}

/** §13.3.1.4: the interval doubles from T1 until it is T2. */
export function again(exchange: Accepted, { timing }: Common, now: Mono): readonly [Accepted, Mono] {
  const interval = Math.min(exchange.interval * 2, timing.T2);
  return [{ ...exchange, interval }, later(now, interval)];
}
