/** The UAS until it has given the first INVITE a final response, RFC 3261 §13.3. */
import { later, type Mono, type Octets } from '@strowger/proto';
import { type Dialog, dialogFromRequest } from '../../dialog/index.ts';
import type { SipRequest } from '../../message/index.ts';
import { DEFAULT_TIMING, type Timing } from '../../transaction/timing.ts';
import {
  answerNow,
  BYE,
  bodyIn,
  commonOf,
  dismiss,
  ENDED,
  ended,
  INVITE,
  isDue,
  lifetime,
  repeat,
  respond,
  retryAfter,
} from './common.ts';
import { type Reply, replyHead } from './reply.ts';
import { admit, type RequestInput, respondTo, sendRequest, surface, takeOutcome } from './requests.ts';
import type { Accepted, Incoming, Received, TransactionKey } from './state.ts';
import type { Command, Input, Output, Step } from './words.ts';

/** An INVITE outside any dialog, to be taken. */
export interface IncomingCall {
  readonly request: SipRequest;
  readonly key: TransactionKey;
  readonly localTag: Octets;
  /** Our Contact value. */
  readonly contact: Octets;
  readonly secure?: boolean;
  readonly timing?: Timing;
  /** Any number; spreads retries. */
  readonly seed?: number;
}

/** §13.3.1.1: at least once a minute, so that no proxy takes the silence for the end. */
const STILL_RINGING = 60_000;

/** Takes the INVITE and says nothing yet; one with no usable Contact is refused and the call has ended before it began. */
export function startIncoming(o: IncomingCall): Step {
  const { request, key, localTag, contact } = o;
  const head = replyHead(request, localTag);
  const dialog = dialogFromRequest(request, { localTag, secure: o.secure ?? false });
  if (dialog === undefined) return [ENDED, [respond(key, head, { status: 400 })]];
  const call: Incoming = {
    state: 'ringing',
    role: 'uas',
    callId: dialog.callId,
    localTag,
    contact,
    timing: o.timing ?? DEFAULT_TIMING,
    seed: o.seed ?? 0,
    timers: {},
    unanswered: [],
    sent: [],
    key,
    head,
    seq: request.cseq.seq,
    dialog,
    offered: bodyIn(request).body !== undefined,
  };
  return [call, []];
}

/** `ringing`. */
export function stepIncoming(call: Incoming, input: Input): Step {
  switch (input.kind) {
    case 'progress':
      return progress(call, input, input.now);
    case 'answer':
      return answer(call, input, input.now);
    case 'reject':
      return refuse(call, input, { by: 'local', cause: 'rejected', status: input.status });
    case 'hang-up': {
      const { status = 480, fields } = input;
      const reply = { status, ...(fields === undefined ? {} : { fields }) };
      return refuse(call, reply, { by: 'local', cause: 'rejected', status });
    }
    case 'cancelled': {
      if (input.key !== call.key) return [call, []];
      const { request } = input;
      return refuse(call, { status: 487 }, { by: 'remote', cause: 'cancelled', ...(request ? { request } : {}) });
    }
    case 'request':
      return onRequest(call, input);
    case 'send': {
      const [next, dialog, outputs] = sendRequest(call, call.dialog, input);
      return [{ ...next, dialog }, outputs];
    }
    case 'respond': {
      const [next, dialog, outputs] = respondTo(call, call.dialog, input);
      return [{ ...next, dialog }, outputs];
    }
    case 'response':
    case 'failed': {
      const { call: next, outputs } = takeOutcome(call, input);
      return [next, outputs];
    }
    case 'offer':
      return [call, [{ kind: 'offer-failed', status: 491 }]];
    case 'tick':
      return onTick(call, input.now);
    case 'ack':
    case 'acknowledge':
    case 'withdraw':
      return [call, []];
  }
}

function progress(call: Incoming, command: Reply, now: Mono): Step {
  const { status } = command;
  const output = respond(call.key, call.head, { ...partsOf(command), contact: call.contact });
  if (status <= 100 || status >= 200) return status === 100 ? [call, [output]] : [call, []];
  const timers = { ...call.timers, 'still-ringing': later(now, STILL_RINGING) };
  return [{ ...call, timers, progress: { status, text: output.text } }, [output]];
}

function answer(call: Incoming, command: Extract<Command, { kind: 'answer' }>, now: Mono): Step {
  const [exchange, output] = accept(call, call, command, true);
  const dialog: Dialog = { ...call.dialog, state: 'confirmed' };
  const timers = { retransmit: later(now, call.timing.T1), 'no-ack': lifetime(call, now) };
  return [{ ...commonOf(call), timers, state: 'confirmed', dialog, exchange, acks: [] }, [output]];
}

/** §13.3.1.4: the 2xx, kept to be sent again until its ACK comes. */
export function accept(
  call: { readonly contact: Octets; readonly timing: Timing },
  invite: Pick<Received, 'key' | 'head' | 'offered' | 'seq'>,
  command: Extract<Command, { kind: 'answer' }>,
  first: boolean,
): readonly [Accepted, Extract<Output, { kind: 'respond' }>] {
  const { key, head, offered, seq } = invite;
  const status = command.status ?? 200;
  const { text } = respond(key, head, { ...partsOf({ ...command, status }), contact: call.contact });
  const accepted: Accepted = { kind: 'accepted', key, text, status, seq, offered, first, interval: call.timing.T1 };
  return [accepted, repeat(accepted)];
}

/** Of a command, what a response is made of. */
export function partsOf({ status, reason, fields, body }: Reply): Reply {
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(fields === undefined ? {} : { fields }),
    ...(body === undefined ? {} : { body }),
  };
}

function refuse(call: Incoming, reply: Reply, event: Parameters<typeof ended>[0]): Step {
  return [ENDED, [respond(call.key, call.head, partsOf(reply)), ...dismiss(call), ended(event)]];
}

function onRequest(call: Incoming, input: RequestInput): Step {
  const { key, request } = input;
  const admitted = admit(call, call.dialog, input);
  if ('refusal' in admitted) return [call, [admitted.refusal]];
  const next: Incoming = { ...call, dialog: admitted.dialog };
  if (request.method === INVITE) {
    // §14.2: a second INVITE before the first has its final response.
    const [later, fields] = retryAfter(next);
    return [later, [answerNow(call, key, request, { status: 500, fields })]];
  }
  if (request.method !== BYE) return surface(next, input);
  // §15.1.2: the caller may end an early dialog by BYE; its INVITE is answered as well.
  const ok = answerNow(call, key, request, { status: 200 });
  const [after, outputs] = refuse(call, { status: 487 }, { by: 'remote', cause: 'hung-up', request });
  return [after, [ok, ...outputs]];
}

function onTick(call: Incoming, now: Mono): Step {
  const { progress: last, key } = call;
  if (!isDue(call.timers, 'still-ringing', now) || last === undefined) return [call, []];
  const timers = { ...call.timers, 'still-ringing': later(now, STILL_RINGING) };
  return [{ ...call, timers }, [{ kind: 'respond', key, ...last }]];
}
