/** Re-INVITE both ways, RFC 3261 §14, RFC 6141, and its races (RFC 5407 §3): one INVITE at a time, from offer to ACK. */
import { later, type Mono, own } from '@strowger/proto';
import { contactUri, isOfDialog, refreshTarget, remoteTagOf, requestInDialog } from '../../dialog/index.ts';
import type { SipRequest, SipResponse } from '../../message/index.ts';
import {
  ackAction,
  answerNow,
  bodyIn,
  buildAck,
  draw,
  INVITE,
  lifetime,
  MAX_FORKS,
  respond,
  retryAfter,
  sendAction,
  turnAway,
  without,
} from './common.ts';
import { accept, partsOf } from './incoming.ts';
import { type Reply, replyHead } from './reply.ts';
import type { RequestInput } from './requests.ts';
import type { Confirmed, Exchange, KeptAck, Offer, Received, Terminating } from './state.ts';
import type { Command, Output } from './words.ts';

type Said<K extends Command['kind']> = Extract<Command, { kind: K }>;

/** The call after a part of a step, still in its dialog. */
export type Within = readonly [Confirmed, readonly Output[]];

/** The call with nothing under way. */
export function atRest(call: Confirmed): Confirmed {
  const { exchange: _, ...rest } = call;
  return { ...rest, timers: without(call.timers, 'retransmit', 'no-ack') };
}

/** Our re-INVITE; while another INVITE is under way it is refused here, as the peer would have (§14.1). */
export function offer(call: Confirmed, command: Said<'offer'>): Within {
  if (call.exchange || call.again) return [call, [{ kind: 'offer-failed', status: 491 }]];
  const { body, fields, autoAck = false, retryOnGlare = true } = command;
  const kept = body && { type: own(body.type), text: own(body.text) };
  return sendOffer(call, {
    autoAck,
    retryOnGlare,
    ...(kept === undefined ? {} : { body: kept }),
    ...(fields === undefined ? {} : { fields }),
  });
}

export function sendOffer(call: Confirmed, what: Offer): Within {
  const { contact } = call;
  const { body, fields } = what;
  const built = requestInDialog(call.dialog, {
    method: INVITE,
    contact,
    ...(body === undefined ? {} : { body }),
    ...(fields === undefined ? {} : { fields }),
  });
  const exchange: Exchange = { kind: 'sent', seq: built.seq, offer: what };
  return [{ ...call, dialog: built.dialog, exchange }, [sendAction(built)]];
}

/** Takes our re-INVITE back: CANCEL, or nothing if it only waits for its turn. */
export function withdraw(call: Confirmed): Within {
  if (call.exchange?.kind === 'sent') return [call, [{ kind: 'cancel', seq: call.exchange.seq }]];
  if (!call.again) return [call, []];
  const { again: _, ...rest } = call;
  return [{ ...rest, timers: without(call.timers, 'glare') }, [{ kind: 'offer-failed', status: 487 }]];
}

/** The final response to our re-INVITE, 2xx excluded. */
export function offerRefused(call: Confirmed, status: number, now: Mono, response?: SipResponse): Within {
  const { exchange } = call;
  if (exchange?.kind !== 'sent') return [call, []];
  const rest = atRest(call);
  if (status !== 491 || !exchange.offer.retryOnGlare) {
    return [rest, [{ kind: 'offer-failed', status, ...(response === undefined ? {} : { response }) }]];
  }
  const [value, seed] = draw(call.seed);
  // §14.1: in units of 10 ms, and never the same span on both sides.
  const wait = call.role === 'uac' ? 2100 + Math.floor(value * 191) * 10 : Math.floor(value * 201) * 10;
  return [{ ...rest, seed, again: exchange.offer, timers: { ...rest.timers, glare: later(now, wait) } }, []];
}

/** A 2xx to an INVITE of ours: the answer to the re-INVITE under way, or one we have seen, or a fork's. */
export function onInviteSuccess(call: Confirmed, response: SipResponse, now: Mono): Within {
  const { exchange } = call;
  const { seq } = response.cseq;
  if (exchange?.kind !== 'sent' || exchange.seq !== seq || remoteTagOf(response) !== call.dialog.remoteTag) {
    return onLateSuccess(call, response, now);
  }
  const offered = exchange.offer.body !== undefined;
  const next: Confirmed = { ...atRest(call), dialog: refreshTarget(call.dialog, response) };
  const event = { kind: 'offer-answered', ...bodyIn(response), response } as const;
  if (!exchange.offer.autoAck || !offered) {
    const answered: Exchange = { kind: 'answered', seq, offered };
    return [{ ...next, exchange: answered }, [{ ...event, acknowledged: false }]];
  }
  const ack = buildAck(next.dialog, seq);
  return [keepAck(next, ack, now), [ackAction(ack), { ...event, acknowledged: true }]];
}

/** §13.2.2.4: a 2xx again gets its ACK again; one of another fork is acknowledged and ended. */
export function onLateSuccess<C extends Confirmed | Terminating>(
  call: C,
  response: SipResponse,
  now: Mono,
): readonly [C, readonly Output[]] {
  const { dialog, acks, exchange } = call;
  const remoteTag = remoteTagOf(response);
  const { seq } = response.cseq;
  const kept = acks.find((a) => a.remoteTag === remoteTag && a.seq === seq);
  if (kept) return [call, [ackAction(kept)]];
  if (remoteTag === dialog.remoteTag) {
    // The TU has not acknowledged it yet.
    if (exchange?.kind === 'answered' && exchange.seq === seq) return [call, []];
    // Forgotten since, or sent before a restart, or overtaken by our BYE: without an ACK the peer would hang up.
    return seq > dialog.localSeq ? [call, []] : [call, [ackAction(buildAck(dialog, seq))]];
  }
  if (acks.length >= MAX_FORKS) return [call, []];
  const [ack, outputs] = turnAway(response, dialog);
  return [keepAck(call, ack, now), outputs];
}

function keepAck<C extends Confirmed | Terminating>(call: C, ack: KeptAck, now: Mono): C {
  return { ...call, acks: [...call.acks, ack], timers: { ...call.timers, acks: lifetime(call, now) } };
}

/** The TU's ACK, with the answer if the 2xx brought the offer. */
export function acknowledge(call: Confirmed, command: Said<'acknowledge'>, now: Mono): Within {
  const { exchange } = call;
  if (exchange?.kind !== 'answered') return [call, []];
  const { fields, body } = command;
  const ack = buildAck(call.dialog, exchange.seq, {
    ...(fields === undefined ? {} : { fields }),
    ...(body === undefined ? {} : { body }),
  });
  return [keepAck(atRest(call), ack, now), [ackAction(ack)]];
}

/** Their re-INVITE, in its turn (§14.2). */
export function onReinvite(call: Confirmed, input: RequestInput): Within {
  const { key, request } = input;
  const { exchange } = call;
  switch (exchange?.kind) {
    case 'sent':
    case 'answered':
      return [call, [answerNow(call, key, request, { status: 491 })]];
    case 'received': {
      const [next, fields] = retryAfter(call);
      return [next, [answerNow(call, key, request, { status: 500, fields })]];
    }
    case 'accepted': {
      // RFC 5407 §3.1.4: nobody re-INVITEs before the ACK, so it is on its way or lost. With our offer still open
      // there is nothing to go on with.
      if (!exchange.offered) return [call, [answerNow(call, key, request, { status: 491 })]];
      const [next, outputs] = receive(atRest(call), input);
      return [next, [{ kind: 'acknowledged', key: exchange.key, first: exchange.first }, ...outputs]];
    }
    case undefined:
      return receive(call, input);
  }
}

function receive(call: Confirmed, { key, request }: RequestInput): Within {
  const { body } = bodyIn(request);
  const target = contactUri(request);
  const exchange: Received = {
    kind: 'received',
    key,
    head: replyHead(request, call.localTag),
    seq: request.cseq.seq,
    offered: body !== undefined,
    ...(target === undefined ? {} : { target }),
  };
  return [{ ...call, exchange }, [{ kind: 'offer', ...(body === undefined ? {} : { body }), request }]];
}

/** The TU's response to their re-INVITE. */
export function respondToOffer(call: Confirmed, command: Said<'progress' | 'answer' | 'reject'>, now: Mono): Within {
  const { exchange, contact } = call;
  if (exchange?.kind !== 'received') return [call, []];
  const { key, head, target } = exchange;
  if (command.kind === 'progress') return [call, [respond(key, head, { ...partsOf(command), contact })]];
  if (command.kind === 'reject') return [atRest(call), [respond(key, head, partsOf(command))]];
  const [accepted, output] = accept(call, exchange, command, false);
  const timers = { ...call.timers, retransmit: later(now, call.timing.T1), 'no-ack': lifetime(call, now) };
  const dialog = target === undefined ? call.dialog : { ...call.dialog, remoteTarget: target };
  return [{ ...call, dialog, exchange: accepted, timers }, [output]];
}

/** CANCEL of their re-INVITE: the call stays as it was. */
export function onCancelled(call: Confirmed, key: Received['key']): Within {
  const { exchange } = call;
  if (exchange?.kind !== 'received' || exchange.key !== key) return [call, []];
  const reply: Reply = { status: 487 };
  return [atRest(call), [respond(key, exchange.head, reply), { kind: 'offer-withdrawn' }]];
}

/** The ACK to our 2xx; any other is a repetition. */
export function onAck(call: Confirmed, request: SipRequest): Within {
  const { exchange } = call;
  if (exchange?.kind !== 'accepted' || exchange.seq !== request.cseq.seq) return [call, []];
  // Its answer, or its word that ours arrived, is the peer's alone to give.
  if (!isOfDialog(call.dialog, request)) return [call, []];
  return [atRest(call), [{ kind: 'acknowledged', key: exchange.key, ...bodyIn(request), first: exchange.first }]];
}
