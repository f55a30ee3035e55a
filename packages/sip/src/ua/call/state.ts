/** What a call knows, state by state: plain data, and each state keeps only what it may still send. */
import type { Mono, Octets } from '@strowger/proto';
import type { Dialog } from '../../dialog/dialog.ts';
import type { Body } from '../../dialog/request.ts';
import type { Field } from '../../message/index.ts';
import type { Timing } from '../../transaction/timing.ts';

/** The host's name of a server transaction. */
export type TransactionKey = string | number;

/** When what is to happen next. A timer is stopped by leaving it out. */
export type TimerName =
  /** UAC: nobody answered. */
  | 'no-answer'
  /** UAC: the INVITE that was cancelled got no final response (§9.1). */
  | 'cancelled'
  /** UAS: proxies on the way forget an INVITE that is silent for three minutes (§13.3.1.1). */
  | 'still-ringing'
  /** UAS: the 2xx goes out again until its ACK (§13.3.1.4). */
  | 'retransmit'
  /** UAS: no ACK came in 64·T1 (§13.3.1.4). */
  | 'no-ack'
  /** UAC: 64·T1 after the 2xx nobody repeats it any more (§13.2.2.4). */
  | 'acks'
  /** §14.1: the re-INVITE that met another is tried again. */
  | 'glare'
  /** The BYE got no answer. */
  | 'bye';

export type Timers = Readonly<Partial<Record<TimerName, Mono>>>;

/** What all states but the last have. */
export interface Common {
  readonly role: 'uac' | 'uas';
  readonly callId: Octets;
  readonly localTag: Octets;
  /** Our Contact value. */
  readonly contact: Octets;
  readonly timing: Timing;
  /** Where the next random number comes from: spreads retries, protects nothing. */
  readonly seed: number;
  readonly timers: Timers;
  /** The peer's requests that the TU has not answered yet. */
  readonly unanswered: readonly Unanswered[];
  /** Our requests other than INVITE and BYE that have no final response yet. */
  readonly sent: readonly Sent[];
}

export interface Unanswered {
  readonly key: TransactionKey;
  readonly head: ReplyHead;
  readonly method: Octets;
  /** The Contact that takes effect when we accept a target refresh request. */
  readonly target?: Octets;
}

export interface Sent {
  readonly method: Octets;
  readonly seq: number;
  readonly context?: TransactionKey;
}

/** What a response repeats of its request: all that has to be kept of one to answer it (§8.2.6.2). */
export interface ReplyHead {
  readonly lines: Octets;
  /** Only in responses that form a dialog. */
  readonly recordRoutes: Octets;
}

/** UAC, before the final response. */
export interface Outgoing extends Common {
  readonly state: 'calling' | 'proceeding' | 'cancelling';
  readonly role: 'uac';
  readonly seq: number;
  readonly target: Octets;
  readonly secure: boolean;
  /** Whether the INVITE carried the offer; if not, the 2xx does and our ACK answers. */
  readonly offered: boolean;
  readonly autoAck: boolean;
  /** `cancelling`: no provisional response yet, so the CANCEL is not out (§9.1). */
  readonly held?: true;
  /** One for each To tag that a provisional response has shown (§12.1.2), up to a bound. */
  readonly early: readonly Dialog[];
}

/** UAS, before the final response. */
export interface Incoming extends Common {
  readonly state: 'ringing';
  readonly role: 'uas';
  readonly key: TransactionKey;
  readonly head: ReplyHead;
  readonly seq: number;
  readonly dialog: Dialog;
  readonly offered: boolean;
  /** The last provisional response, said again once a minute. */
  readonly progress?: { readonly status: number; readonly text: Octets };
}

/** A dialog both sides agreed on. */
export interface Confirmed extends Common {
  readonly state: 'confirmed';
  readonly dialog: Dialog;
  /** The one INVITE under way, if any: from its offer to its ACK. */
  readonly exchange?: Exchange;
  /** Our offer that met theirs (491), until timer `glare` sends it again. */
  readonly again?: Offer;
  readonly acks: readonly KeptAck[];
}

/** The call is over; what is left is to have it understood. */
export interface Terminating extends Common {
  readonly state: 'terminating';
  readonly dialog: Dialog;
  /** Our 2xx that must be acknowledged before a BYE may follow (§15). */
  readonly exchange?: Accepted;
  /** The number of our BYE, once sent. */
  readonly bye?: number;
  /** For the BYE that is still to be sent. */
  readonly byeFields?: readonly Field[];
  readonly acks: readonly KeptAck[];
}

/** Nothing is left; drop it. */
export interface Ended {
  readonly state: 'ended';
}

export type Live = Outgoing | Incoming | Confirmed | Terminating;
export type Call = Live | Ended;

/**
 * An INVITE under way within the dialog, or at its start:
 *
 *   ours:    sent ──2xx──▶ answered ──acknowledge──▶ done
 *   theirs:  received ──answer──▶ accepted ──ACK──▶ done
 */
export type Exchange = InviteSent | Answered | Received | Accepted;

export interface InviteSent {
  readonly kind: 'sent';
  readonly seq: number;
  readonly offer: Offer;
}

/** A re-INVITE of ours; kept whole until its final response, because a 491 sends it again. */
export interface Offer {
  readonly body?: Body;
  readonly fields?: readonly Field[];
  readonly autoAck: boolean;
  readonly retryOnGlare: boolean;
}

export interface Answered {
  readonly kind: 'answered';
  readonly seq: number;
  readonly offered: boolean;
}

export interface Received {
  readonly kind: 'received';
  readonly key: TransactionKey;
  readonly head: ReplyHead;
  readonly seq: number;
  readonly offered: boolean;
  readonly target?: Octets;
}

export interface Accepted {
  readonly kind: 'accepted';
  readonly key: TransactionKey;
  readonly text: Octets;
  readonly status: number;
  readonly seq: number;
  readonly offered: boolean;
  /** The call's first INVITE, not a re-INVITE. */
  readonly first: boolean;
  /** T1 at first, doubled up to T2. */
  readonly interval: number;
}

/** An ACK that went out, for the 2xx that comes again. */
export interface KeptAck {
  readonly remoteTag: Octets;
  readonly seq: number;
  readonly text: Octets;
  readonly nextHop: Octets;
}
