/**
 * Dialogs, RFC 3261 §12, as plain data: what two user agents know of each other for as long as they talk.
 *
 *   request with no To tag ──▶ early ──2xx──▶ confirmed ──BYE──▶ gone (its owner drops it)
 *                                └──────3xx–6xx──────────────────▲
 *
 * Nothing here is a view of a message: each text is owned, so a dialog can be stored, moved and compared.
 */
import { type Octets, own } from '@strowger/proto';
import {
  contact,
  formatUri,
  from,
  type NameAddr,
  recordRoute,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  to,
  type Uri,
  withoutParam,
} from '../message/index.ts';

/** The state of one dialog (RFC 3261 §12). The sides' URIs are whole name-addr texts without their tags. */
export interface Dialog {
  readonly callId: Octets;
  readonly localTag: Octets;
  /** Empty when the peer gave none: an RFC 2543 user agent (§12.1.1). */
  readonly remoteTag: Octets;
  readonly localUri: Octets;
  readonly remoteUri: Octets;
  /** The URI of the peer's last Contact. */
  readonly remoteTarget: Octets;
  /** Route values in the order in which our requests take them. */
  readonly routeSet: readonly Octets[];
  /** The CSeq number of our last request; 0 before the first. */
  readonly localSeq: number;
  /** The CSeq number of the peer's last request; absent before the first. */
  readonly remoteSeq?: number;
  /** RFC 3261 §12.1.1: begun with a sips Request-URI over TLS, so it stays with sips. */
  readonly secure: boolean;
  readonly state: 'early' | 'confirmed';
}

/** The three that tell a dialog from all others (§12). */
export interface DialogId {
  readonly callId: Octets;
  readonly localTag: Octets;
  readonly remoteTag: Octets;
}

const NO_TAG = '' as Octets;

/** Which dialog a message we received is of: a request's To is us, a response's From is us. */
export function dialogId(message: SipMessage): DialogId {
  const fromTag = message.fromTag ?? NO_TAG;
  const toTag = message.toTag ?? NO_TAG;
  return message.kind === 'request'
    ? { callId: message.callId, localTag: toTag, remoteTag: fromTag }
    : { callId: message.callId, localTag: fromTag, remoteTag: toTag };
}

/** The tag of the far side in a response to us; empty for an RFC 2543 peer, as in the dialog. */
export const remoteTagOf = (response: SipResponse): Octets => response.toTag ?? NO_TAG;

/** One text per dialog, for a Map. No part of it can hold a space, so no two dialogs share one. */
export function dialogKey({ callId, localTag, remoteTag }: DialogId): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/** Whether a message we received is of this dialog. */
export function isOfDialog(dialog: DialogId, message: SipMessage): boolean {
  const id = dialogId(message);
  return id.remoteTag === dialog.remoteTag && id.localTag === dialog.localTag && id.callId === dialog.callId;
}

/** What a side of a dialog is called: its From or To value without the tag. */
export function withoutTag(def: typeof from | typeof to, value: NameAddr): Octets {
  return own(def.format({ ...value, params: withoutParam(value.params, 'tag') }));
}

/** The URI of a message's one Contact; undefined when there is none that a request could be sent to. */
export function contactUri(message: SipMessage): Octets | undefined {
  const value = message.get(contact);
  return value === undefined || value === '*' ? undefined : own(requestUri(value.uri));
}

/** A URI as it may stand in a Request-URI: without `method` and headers (§19.1.1). */
export function requestUri(uri: Uri): Octets {
  if (uri.kind !== 'sip') return formatUri(uri);
  const { headers: _, ...rest } = uri;
  return formatUri({ ...rest, params: withoutParam(uri.params, 'method') });
}

/** §12.1.1, as the UAS; undefined when the request has no usable Contact. `state` is what our response makes of it. */
export function dialogFromRequest(
  request: SipRequest,
  o: { readonly localTag: Octets; readonly secure?: boolean; readonly state?: Dialog['state'] },
): Dialog | undefined {
  const remoteTarget = contactUri(request);
  if (remoteTarget === undefined) return undefined;
  return {
    callId: own(request.callId),
    localTag: o.localTag,
    remoteTag: own(request.fromTag ?? NO_TAG),
    localUri: withoutTag(to, request.to),
    remoteUri: withoutTag(from, request.from),
    remoteTarget,
    routeSet: request.rawAll(recordRoute).map(own),
    localSeq: 0,
    remoteSeq: request.cseq.seq,
    secure: o.secure ?? false,
    state: o.state ?? 'early',
  };
}

/**
 * §12.1.2, as the UAC; `fallbackTarget` (the request's own URI) stands in where a broken peer left out its Contact.
 */
export function dialogFromResponse(
  response: SipResponse,
  o: { readonly fallbackTarget: Octets; readonly secure?: boolean },
): Dialog {
  return {
    callId: own(response.callId),
    localTag: own(response.fromTag ?? NO_TAG),
    remoteTag: own(response.toTag ?? NO_TAG),
    localUri: withoutTag(from, response.from),
    remoteUri: withoutTag(to, response.to),
    remoteTarget: contactUri(response) ?? o.fallbackTarget,
    routeSet: routeSetOf(response),
    localSeq: response.cseq.seq,
    secure: o.secure ?? false,
    state: response.status >= 200 ? 'confirmed' : 'early',
  };
}

/** §13.2.2.4: a 2xx confirms an early dialog and gives its route set anew, for those who know only RFC 2543. */
export function confirmDialog(dialog: Dialog, response: SipResponse): Dialog {
  return { ...refreshTarget(dialog, response), routeSet: routeSetOf(response), state: 'confirmed' };
}

/** §12.2: a target refresh request, or the 2xx to one, moves the remote target, and nothing else. */
export function refreshTarget(dialog: Dialog, message: SipMessage): Dialog {
  const remoteTarget = contactUri(message);
  return remoteTarget === undefined || remoteTarget === dialog.remoteTarget ? dialog : { ...dialog, remoteTarget };
}

/** §12.2.2: what the order of CSeq numbers says of a request; `out-of-order` is answered 500. */
export function receiveInDialog(
  dialog: Dialog,
  request: SipRequest,
): { readonly dialog: Dialog; readonly verdict: 'ok' | 'out-of-order' } {
  const { seq, method } = request.cseq;
  // An ACK and a CANCEL carry the number of the INVITE they are about.
  if (method === 'ACK' || method === 'CANCEL') return { dialog, verdict: 'ok' };
  if (dialog.remoteSeq !== undefined && seq <= dialog.remoteSeq) return { dialog, verdict: 'out-of-order' };
  return { dialog: { ...dialog, remoteSeq: seq }, verdict: 'ok' };
}

/** As the UAC sees it, the proxies stand in reverse (§12.1.2). */
function routeSetOf(response: SipResponse): readonly Octets[] {
  return response.rawAll(recordRoute).map(own).reverse();
}
