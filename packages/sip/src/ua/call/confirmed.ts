/** A confirmed dialog, RFC 3261 §12.2, §14, §15: who may say what, and which file answers. */
import { later, type Mono } from '@strowger/proto';
import { refreshTarget } from '../../dialog/index.ts';
import type { SipResponse } from '../../message/index.ts';
import { BYE, INVITE, isDue, repeat, without } from './common.ts';
import {
  acknowledge,
  atRest,
  offer,
  offerRefused,
  onAck,
  onCancelled,
  onInviteSuccess,
  onReinvite,
  respondToOffer,
  sendOffer,
  type Within,
  withdraw,
} from './offer.ts';
import { admit, failureStatus, type RequestInput, respondTo, sendRequest, surface, takeOutcome } from './requests.ts';
import type { Confirmed } from './state.ts';
import { again, hangUp, onBye } from './terminating.ts';
import type { Input, Output, Step } from './words.ts';

/** `confirmed`. */
export function stepConfirmed(call: Confirmed, input: Input): Step {
  switch (input.kind) {
    case 'request':
      return onRequest(call, input);
    case 'ack':
      return onAck(call, input.request);
    case 'cancelled':
      return onCancelled(call, input.key);
    case 'response':
      return input.response.cseq.method === INVITE
        ? onInviteResponse(call, input.response, input.now)
        : onOutcome(call, input, input.now);
    case 'failed': {
      if (input.method !== INVITE) return onOutcome(call, input, input.now);
      const { exchange } = call;
      if (exchange?.kind !== 'sent' || exchange.seq !== input.seq) return [call, []];
      return orLost(offerRefused(call, failureStatus(input), input.now), failureStatus(input), input.now);
    }
    case 'hang-up':
      return hangUp(call, input.now, { by: 'local', cause: 'hung-up' }, input.fields);
    case 'offer':
      return offer(call, input);
    case 'withdraw':
      return withdraw(call);
    case 'acknowledge':
      return acknowledge(call, input, input.now);
    case 'progress':
    case 'answer':
    case 'reject':
      return respondToOffer(call, input, input.now);
    case 'send': {
      const [next, dialog, outputs] = sendRequest(call, call.dialog, input);
      return [{ ...next, dialog }, outputs];
    }
    case 'respond': {
      const [next, dialog, outputs] = respondTo(call, call.dialog, input);
      return [{ ...next, dialog }, outputs];
    }
    case 'tick':
      return onTick(call, input.now);
  }
}

function onRequest(call: Confirmed, input: RequestInput): Step {
  const admitted = admit(call, call.dialog, input);
  if ('refusal' in admitted) return [call, [admitted.refusal]];
  const next: Confirmed = { ...call, dialog: admitted.dialog };
  if (input.request.method === BYE) return onBye(next, input);
  return input.request.method === INVITE ? onReinvite(next, input) : surface(next, input, call.exchange);
}

function onInviteResponse(call: Confirmed, response: SipResponse, now: Mono): Step {
  const { status, cseq } = response;
  if (status < 200) return [call, []];
  if (status < 300) return onInviteSuccess(call, response, now);
  if (call.exchange?.kind !== 'sent' || call.exchange.seq !== cseq.seq) return [call, []];
  return orLost(offerRefused(call, status, now, response), status, now, response);
}

function onOutcome(call: Confirmed, input: Parameters<typeof takeOutcome>[1], now: Mono): Step {
  const outcome = takeOutcome(call, input);
  const response = input.kind === 'response' ? input.response : undefined;
  const { call: taken, outputs, lost } = outcome;
  const next = outcome.refreshed && response ? { ...taken, dialog: refreshTarget(taken.dialog, response) } : taken;
  if (!lost) return [next, outputs];
  return orLost([next, outputs], response?.status ?? 408, now, response);
}

/** §12.2.1.2: a peer that knows no such dialog, or is gone, is left. */
function orLost([call, outputs]: Within, status: number, now: Mono, response?: SipResponse): Step {
  if (status !== 481 && status !== 408) return [call, outputs];
  const event = { by: 'network', cause: 'lost', status, ...(response === undefined ? {} : { response }) } as const;
  const [next, more] = hangUp(call, now, event);
  return [next, [...outputs, ...more]];
}

function onTick(call: Confirmed, now: Mono): Step {
  if (isDue(call.timers, 'no-ack', now)) {
    // §13.3.1.4: whoever cannot get an ACK through is not in this call.
    return hangUp(atRest(call), now, { by: 'network', cause: 'no-ack' });
  }
  const outputs: Output[] = [];
  let next = call;
  if (isDue(call.timers, 'acks', now)) next = { ...next, acks: [], timers: without(next.timers, 'acks') };
  if (isDue(call.timers, 'retransmit', now) && call.exchange?.kind === 'accepted') {
    const [exchange, at] = again(call.exchange, call, now);
    next = { ...next, exchange, timers: { ...next.timers, retransmit: at } };
    outputs.push(repeat(exchange));
  }
  if (!isDue(call.timers, 'glare', now)) return [next, outputs];
  const [after, more] = tryAgain(next, now);
  return [after, [...outputs, ...more]];
}

/** §14.1: the offer that met theirs, once theirs is through. */
function tryAgain(call: Confirmed, now: Mono): Within {
  const { again: kept, ...rest } = call;
  const timers = without(call.timers, 'glare');
  if (kept === undefined) return [{ ...rest, timers }, []];
  // Theirs is still open: look again when it should be done.
  if (call.exchange) return [{ ...call, timers: { ...timers, glare: later(now, call.timing.T1) } }, []];
  return sendOffer({ ...rest, timers }, kept);
}
