/** Requests within the dialog other than INVITE and BYE, both ways (RFC 3261 §12.2; UPDATE: RFC 3311). */
import { own } from '@strowger/proto';
import { contactUri, type Dialog, isOfDialog, receiveInDialog, requestInDialog } from '../../dialog/index.ts';
import type { SipResponse } from '../../message/index.ts';
import { answerNow, bodyIn, respond, retryAfter, sendAction, UPDATE } from './common.ts';
import { replyHead } from './reply.ts';
import type { Common, Exchange, Sent } from './state.ts';
import type { Action, Command, Output, WireInput } from './words.ts';

export type RequestInput = Extract<WireInput, { kind: 'request' }>;
type SendCommand = Extract<Command, { kind: 'send' }>;
type RespondCommand = Extract<Command, { kind: 'respond' }>;
type Failure = Extract<WireInput, { kind: 'failed' }>;

/** Requests that wait for the TU, at once; the rest are told to come later. */
const MAX_UNANSWERED = 8;

/** Methods whose requests and 2xx need a Contact. */
const CONTACT_METHODS: ReadonlySet<string> = new Set(['UPDATE', 'REFER', 'SUBSCRIBE', 'NOTIFY']);

/** §12.2.2: whether a request is of this dialog and in its turn; if not, the refusal. */
export function admit(
  call: Common,
  dialog: Dialog,
  { key, request }: RequestInput,
): { readonly dialog: Dialog } | { readonly refusal: Action } {
  if (!isOfDialog(dialog, request)) return { refusal: answerNow(call, key, request, { status: 481 }) };
  const { verdict, dialog: next } = receiveInDialog(dialog, request);
  if (verdict === 'ok') return { dialog: next };
  return { refusal: answerNow(call, key, request, { status: 500 }) };
}

/** Gives a request to the TU, which answers it by `respond`. */
export function surface<C extends Common>(
  call: C,
  { key, request }: RequestInput,
  exchange?: Exchange,
): readonly [C, readonly Output[]] {
  const body = bodyIn(request);
  const clash = request.method === UPDATE && body.body !== undefined ? updateClash(call, exchange) : undefined;
  if (clash === 491) return [call, [answerNow(call, key, request, { status: 491 })]];
  if (clash === 500 || call.unanswered.length >= MAX_UNANSWERED) {
    const [next, fields] = retryAfter(call);
    return [next, [answerNow(call, key, request, { status: clash ?? 503, fields })]];
  }
  const { method } = request;
  const target = method === UPDATE ? contactUri(request) : undefined;
  const kept = {
    key,
    method: own(method),
    head: replyHead(request, call.localTag),
    ...(target === undefined ? {} : { target }),
  };
  return [{ ...call, unanswered: [...call.unanswered, kept] }, [{ kind: 'request', key, method, ...body, request }]];
}

/** RFC 3311 §5.2: an offer while another is open, ours (491) or theirs (500). */
function updateClash(call: Common, exchange: Exchange | undefined): 491 | 500 | undefined {
  if (exchange?.kind === 'sent' || exchange?.kind === 'answered') return 491;
  if (exchange?.kind === 'received' || call.unanswered.some(({ method }) => method === UPDATE)) return 500;
  return exchange?.kind === 'accepted' && !exchange.offered ? 491 : undefined;
}

/** The TU's response to a surfaced request, and the remote target that it makes good. */
export function respondTo<C extends Common>(
  call: C,
  dialog: Dialog,
  { key, status, reason, fields, body }: RespondCommand,
): readonly [C, Dialog, readonly Output[]] {
  const asked = call.unanswered.find((u) => u.key === key);
  if (asked === undefined) return [call, dialog, []];
  const reply = {
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(fields === undefined ? {} : { fields }),
    ...(body === undefined ? {} : { body }),
    ...(CONTACT_METHODS.has(asked.method) ? { contact: call.contact } : {}),
  };
  const out = [respond(key, asked.head, reply)];
  if (status < 200) return [call, dialog, out];
  const accepted = status < 300 && asked.target !== undefined;
  return [
    { ...call, unanswered: call.unanswered.filter((u) => u !== asked) },
    accepted ? { ...dialog, remoteTarget: asked.target } : dialog,
    out,
  ];
}

/** The TU's own request. */
export function sendRequest<C extends Common>(
  call: C,
  dialog: Dialog,
  { method, context, fields, body }: SendCommand,
): readonly [C, Dialog, readonly Output[]] {
  const built = requestInDialog(dialog, {
    method,
    ...(CONTACT_METHODS.has(method) ? { contact: call.contact } : {}),
    ...(fields === undefined ? {} : { fields }),
    ...(body === undefined ? {} : { body }),
  });
  const sent: Sent = { method, seq: built.seq, ...(context === undefined ? {} : { context }) };
  return [{ ...call, sent: [...call.sent, sent] }, built.dialog, [sendAction(built)]];
}

/** A request that cannot be sent is answered on the spot. */
export function cannotSend({ method, context }: SendCommand): Output {
  return { kind: 'reply', method, ...(context === undefined ? {} : { context }), status: 481 };
}

/** What came of one of our requests; `lost` when it says that the peer has no such dialog any more (§12.2.1.2). */
export interface Outcome<C> {
  readonly call: C;
  readonly outputs: readonly Output[];
  readonly lost: boolean;
  /** The request was an UPDATE that succeeded: its 2xx carries a remote target. */
  readonly refreshed: boolean;
}

/** A response to, or the failure of, one of the requests sent by `sendRequest`. */
export function takeOutcome<C extends Common>(
  call: C,
  input: Failure | { readonly kind: 'response'; readonly response: SipResponse },
): Outcome<C> {
  const response = input.kind === 'response' ? input.response : undefined;
  const { seq, method } = input.kind === 'response' ? input.response.cseq : input;
  const sent = call.sent.find((s) => s.seq === seq && s.method === method);
  if (sent === undefined) return { call, outputs: [], lost: false, refreshed: false };
  const status = response?.status ?? failureStatus(input);
  const final = status >= 200;
  const outputs: Output[] = [
    {
      kind: 'reply',
      method: sent.method,
      ...(sent.context === undefined ? {} : { context: sent.context }),
      status,
      ...(response === undefined ? {} : { response }),
    },
  ];
  return {
    call: final ? { ...call, sent: call.sent.filter((s) => s !== sent) } : call,
    outputs,
    lost: status === 481 || status === 408,
    refreshed: sent.method === UPDATE && status >= 200 && status < 300,
  };
}

/** §8.1.3.1: what no response amounts to. */
export function failureStatus(input: { readonly kind: string; readonly reason?: 'timeout' | 'transport' }): 408 | 503 {
  return input.reason === 'transport' ? 503 : 408;
}
