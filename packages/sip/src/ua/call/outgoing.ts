/** The UAC until the first INVITE has its final response, RFC 3261 §13.2. */
import { later, type Mono, type Octets, octets } from '@strowger/proto';
import {
  type Body,
  bodyOf,
  confirmDialog,
  type Dialog,
  dialogFromResponse,
  refreshTarget,
  remoteTagOf,
  requestInDialog,
  routeRequest,
  withTag,
} from '../../dialog/index.ts';
import { composeRequest, type Field, type SipResponse } from '../../message/index.ts';
import { DEFAULT_TIMING, type Timing } from '../../transaction/timing.ts';
import {
  ackAction,
  answerNow,
  BYE,
  bodyIn,
  buildAck,
  commonOf,
  dismiss,
  ENDED,
  ended,
  INVITE,
  isDue,
  lifetime,
  MAX_FORKS,
  sendAction,
} from './common.ts';
import {
  admit,
  cannotSend,
  failureStatus,
  type RequestInput,
  respondTo,
  sendRequest,
  surface,
  takeOutcome,
} from './requests.ts';
import type { Confirmed, Outgoing } from './state.ts';
import type { Input, Output, Step } from './words.ts';

/** A call to be made. Texts are kept, so `own` what comes from a message. */
export interface OutgoingCall {
  /** The Request-URI. */
  readonly uri: Octets;
  /** From and To, name-addr without tags. */
  readonly from: Octets;
  readonly to: Octets;
  readonly callId: Octets;
  readonly localTag: Octets;
  /** Our Contact value. */
  readonly contact: Octets;
  /** 1 unless this is another try. */
  readonly seq?: number;
  /** A preloaded route set (§8.1.2). */
  readonly route?: readonly Octets[];
  readonly fields?: readonly Field[];
  /** Default 70. A B2BUA gives one less than it was given, so that a call in a circle ends. */
  readonly maxForwards?: number;
  /** The offer; without one the 2xx brings it and `acknowledge` answers. */
  readonly body?: Body;
  readonly secure?: boolean;
  /** Acknowledge a 2xx at once, if the offer was in the INVITE. */
  readonly autoAck?: boolean;
  /** After how many milliseconds to give up: CANCEL and `ended('no-answer')`. */
  readonly noAnswer?: number;
  readonly timing?: Timing;
  /** Any number; spreads retries. */
  readonly seed?: number;
}

/** Sends the INVITE. */
export function startOutgoing(o: OutgoingCall, now: Mono): Step {
  const seq = o.seq ?? 1;
  const path = routeRequest(o.uri, o.route ?? []);
  const fields: Field[] = [
    ['Max-Forwards', octets`${o.maxForwards ?? 70}`],
    ...path.routes.map((value): Field => ['Route', value]),
    ['From', withTag(o.from, o.localTag)],
    ['To', o.to],
    ['Call-ID', o.callId],
    ['CSeq', octets`${seq} INVITE`],
    ['Contact', o.contact],
    ...(o.fields ?? []),
  ];
  const text = composeRequest({ method: INVITE, uri: path.uri, fields, ...bodyOf(o.body) });
  const call: Outgoing = {
    state: 'calling',
    role: 'uac',
    callId: o.callId,
    localTag: o.localTag,
    contact: o.contact,
    timing: o.timing ?? DEFAULT_TIMING,
    seed: o.seed ?? 0,
    timers: o.noAnswer === undefined ? {} : { 'no-answer': later(now, o.noAnswer) },
    unanswered: [],
    sent: [],
    seq,
    target: o.uri,
    secure: o.secure ?? false,
    offered: o.body !== undefined,
    autoAck: o.autoAck ?? false,
    early: [],
  };
  return [call, [{ kind: 'send', method: INVITE, seq, text, nextHop: path.nextHop }]];
}

/** `calling`, `proceeding` and `cancelling`. */
export function stepOutgoing(call: Outgoing, input: Input): Step {
  switch (input.kind) {
    case 'response':
      return onResponse(call, input.response, input.now);
    case 'failed':
      if (input.method !== INVITE) return onOutcome(call, input);
      if (input.seq !== call.seq) return [call, []];
      return end(call, {
        by: 'network',
        cause: input.reason,
        status: failureStatus(input),
        seq: call.seq,
      });
    case 'request':
      return onRequest(call, input);
    case 'tick':
      return onTick(call, input.now);
    case 'hang-up':
      return cancel(call, { by: 'local', cause: 'cancelled' }, input.now, input.fields);
    case 'send': {
      const dialog = call.early.at(-1);
      if (dialog === undefined || call.state === 'cancelling') return [call, [cannotSend(input)]];
      const [next, after, outputs] = sendRequest(call, dialog, input);
      return [withEarly(next, after), outputs];
    }
    case 'respond': {
      const dialog = call.early.at(-1);
      if (dialog === undefined) return [call, []];
      const [next, , outputs] = respondTo(call, dialog, input);
      return [next, outputs];
    }
    case 'offer':
      return [call, [{ kind: 'offer-failed', status: 491 }]];
    case 'ack':
    case 'cancelled':
    case 'progress':
    case 'answer':
    case 'reject':
    case 'acknowledge':
    case 'withdraw':
      return [call, []];
  }
}

function onResponse(call: Outgoing, response: SipResponse, now: Mono): Step {
  const { method, seq } = response.cseq;
  if (method !== INVITE) return onOutcome(call, { kind: 'response', response });
  if (seq !== call.seq) return [call, []];
  const { status } = response;
  if (status < 200) return onProvisional(call, response, now);
  if (status < 300) return onSuccess(call, response, now);
  return end(call, { by: 'remote', cause: 'rejected', status, seq: call.seq, response });
}

function onProvisional(call: Outgoing, response: SipResponse, now: Mono): Step {
  const { status } = response;
  if (call.state === 'cancelling') {
    // The CANCEL goes out with the first provisional response, so its 64·T1 (§9.1) begin here.
    if (call.held === undefined) return [call, []];
    const { held: _, ...rest } = call;
    return [{ ...rest, timers: { cancelled: lifetime(call, now) } }, []];
  }
  const proceeding: Outgoing = { ...call, state: 'proceeding' };
  if (status === 100) return [proceeding, []];
  const { toTag: remoteTag } = response;
  const event: Output = {
    kind: 'progress',
    status,
    ...(remoteTag === undefined ? {} : { remoteTag }),
    ...bodyIn(response),
    response,
  };
  if (remoteTag === undefined) return [proceeding, [event]];
  const known = call.early.find((d) => d.remoteTag === remoteTag);
  if (known) return [withEarly(proceeding, refreshTarget(known, response)), [event]];
  if (call.early.length >= MAX_FORKS) return [proceeding, [event]];
  return [{ ...proceeding, early: [...call.early, newDialog(call, response)] }, [event]];
}

function onSuccess(call: Outgoing, response: SipResponse, now: Mono): Step {
  const known = call.early.find((d) => d.remoteTag === remoteTagOf(response));
  const dialog = known ? confirmDialog(known, response) : newDialog(call, response);
  const common = { ...commonOf(call), timers: {} };
  if (call.state === 'cancelling') {
    // The 2xx and our CANCEL crossed (§9.1): there is a dialog now, to be ended like any other.
    const ack = buildAck(dialog, call.seq);
    const bye = requestInDialog(dialog, { method: BYE });
    const timers = { bye: lifetime(call, now) };
    return [
      { ...common, state: 'terminating', timers, dialog: bye.dialog, bye: bye.seq, acks: [ack] },
      [ackAction(ack), sendAction(bye)],
    ];
  }
  const confirmed: Confirmed = { ...common, state: 'confirmed', dialog, acks: [] };
  const answered = (acknowledged: boolean): Output => ({
    kind: 'answered',
    ...bodyIn(response),
    response,
    acknowledged,
  });
  if (!call.autoAck || !call.offered) {
    const exchange = { kind: 'answered', seq: call.seq, offered: call.offered } as const;
    return [{ ...confirmed, exchange }, [answered(false)]];
  }
  const ack = buildAck(dialog, call.seq);
  return [{ ...confirmed, acks: [ack], timers: { acks: lifetime(call, now) } }, [ackAction(ack), answered(true)]];
}

function onRequest(call: Outgoing, input: RequestInput & { readonly now: Mono }): Step {
  const { key, request } = input;
  const dialog = call.early.find((d) => d.remoteTag === request.fromTag);
  if (dialog === undefined || call.state === 'cancelling') {
    return [call, [answerNow(call, key, request, { status: 481 })]];
  }
  const admitted = admit(call, dialog, input);
  if ('refusal' in admitted) return [call, [admitted.refusal]];
  const next = withEarly(call, admitted.dialog);
  if (request.method === INVITE) return [next, [answerNow(call, key, request, { status: 491 })]];
  if (request.method !== BYE) return surface(next, input);
  // §15 forbids the callee this BYE; one that sends it nevertheless does not want the call.
  const early = call.early.filter((d) => d !== dialog);
  const ok = answerNow(call, key, request, { status: 200 });
  if (early.length > 0) return [{ ...call, early }, [ok]];
  const [after, outputs] = cancel(call, { by: 'remote', cause: 'hung-up', request }, input.now);
  return [after, [ok, ...outputs]];
}

function onTick(call: Outgoing, now: Mono): Step {
  // §9.1: the callee never answered the CANCEL, or its answer is lost.
  if (isDue(call.timers, 'cancelled', now)) return [ENDED, []];
  if (isDue(call.timers, 'no-answer', now)) return cancel(call, { by: 'local', cause: 'no-answer', status: 408 }, now);
  return [call, []];
}

type End = Parameters<typeof ended>[0];

function cancel(call: Outgoing, event: End, now: Mono, fields?: readonly Field[]): Step {
  if (call.state === 'cancelling') return [call, []];
  // Before any provisional response the stack holds the CANCEL back, at most as long as the INVITE may go unanswered.
  const held = call.state === 'calling' ? true : undefined;
  const cancelled = lifetime(call, held ? lifetime(call, now) : now);
  return [
    {
      ...call,
      state: 'cancelling',
      ...(held ? { held } : {}),
      timers: { cancelled },
      early: [],
      unanswered: [],
      sent: [],
    },
    [...dismiss(call), { kind: 'cancel', seq: call.seq, ...(fields === undefined ? {} : { fields }) }, ended(event)],
  ];
}

function end(call: Outgoing, event: End): Step {
  // Whoever cancelled has been told already.
  return [ENDED, call.state === 'cancelling' ? [] : [...dismiss(call), ended(event)]];
}

function onOutcome(call: Outgoing, input: Parameters<typeof takeOutcome>[1]): Step {
  // In an early dialog a lost request says nothing about the call: the INVITE's own response does.
  const { call: next, outputs } = takeOutcome(call, input);
  return [next, outputs];
}

function newDialog(call: Outgoing, response: SipResponse): Dialog {
  return dialogFromResponse(response, { fallbackTarget: call.target, secure: call.secure });
}

function withEarly(call: Outgoing, dialog: Dialog): Outgoing {
  return { ...call, early: call.early.map((d) => (d.remoteTag === dialog.remoteTag ? dialog : d)) };
}
