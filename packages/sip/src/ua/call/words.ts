/** What a call is told and what it says: its inputs, commands, actions and events. */
import type { Mono, Octets } from '@strowger/proto';
import type { Body } from '../../dialog/request.ts';
import type { Field, SipRequest, SipResponse } from '../../message/index.ts';
import type { Call, TransactionKey } from './state.ts';

/** The call after an input, and what to do, in order. */
export type Step = readonly [Call, readonly Output[]];

/** What happens to a call, or is wanted of it. */
export type Input = { readonly now: Mono } & (WireInput | Command | { readonly kind: 'tick' });

export type WireInput =
  /** A request of this dialog, ACK and CANCEL excluded. */
  | { readonly kind: 'request'; readonly key: TransactionKey; readonly request: SipRequest }
  /** An ACK of this dialog (to a 2xx). */
  | { readonly kind: 'ack'; readonly request: SipRequest }
  /** A CANCEL matched the INVITE of that key; the stack has answered it 200. */
  | { readonly kind: 'cancelled'; readonly key: TransactionKey; readonly request?: SipRequest }
  /** A response to what we sent, or a 2xx that outlived its transaction. */
  | { readonly kind: 'response'; readonly response: SipResponse }
  /** What we sent got no response, or could not be sent. */
  | {
      readonly kind: 'failed';
      readonly method: Octets;
      readonly seq: number;
      readonly reason: 'timeout' | 'transport';
    };

/** What goes with most of what the TU says. */
export interface Parts {
  readonly fields?: readonly Field[];
  readonly body?: Body;
}

export type Command =
  | ({ readonly kind: 'progress'; readonly status: number; readonly reason?: Octets } & Parts)
  | ({ readonly kind: 'answer'; readonly status?: number } & Parts)
  | ({ readonly kind: 'reject'; readonly status: number; readonly reason?: Octets } & Parts)
  | ({ readonly kind: 'acknowledge' } & Parts)
  /** `retryOnGlare` (default true): after a 491 try again by itself (§14.1) instead of reporting it. */
  | ({ readonly kind: 'offer'; readonly autoAck?: boolean; readonly retryOnGlare?: boolean } & Parts)
  | { readonly kind: 'withdraw' }
  /** Any method but INVITE, ACK, CANCEL and BYE; `context` comes back in `reply`. */
  | ({ readonly kind: 'send'; readonly method: Octets; readonly context?: TransactionKey } & Parts)
  | ({
      readonly kind: 'respond';
      readonly key: TransactionKey;
      readonly status: number;
      readonly reason?: Octets;
    } & Parts)
  /** `status` is what a ringing caller is told (480 unless said). After `challenged`: the BYE once more, with credentials. */
  | { readonly kind: 'hang-up'; readonly status?: number; readonly fields?: readonly Field[] };

export type Output = Action | CallEvent;

/** What the host passes to the stack. */
export type Action =
  | {
      readonly kind: 'send';
      readonly method: Octets;
      readonly seq: number;
      readonly text: Octets;
      readonly nextHop: Octets;
      /** Its outcome concerns nobody: need not be fed back. */
      readonly detached?: true;
    }
  | { readonly kind: 'ack'; readonly text: Octets; readonly nextHop: Octets }
  | { readonly kind: 'cancel'; readonly seq: number; readonly fields?: readonly Field[] }
  | {
      readonly kind: 'respond';
      readonly key: TransactionKey;
      readonly status: number;
      readonly text: Octets;
      /** A 2xx to INVITE: comes again with this key until `acknowledged` names it, or the call is over. */
      readonly repeats?: true;
    };

/** What the TU learns. Messages in here are for reading now; own what you keep. */
export type CallEvent =
  | {
      readonly kind: 'progress';
      readonly status: number;
      readonly remoteTag?: Octets;
      readonly body?: Body;
      readonly response: SipResponse;
    }
  /** The 2xx to our first INVITE. `acknowledge` it, unless `autoAck` did. */
  | { readonly kind: 'answered'; readonly body?: Body; readonly response: SipResponse; readonly acknowledged: boolean }
  /** The ACK to our 2xx of that key; `first` tells the call's own from a re-INVITE's. */
  | { readonly kind: 'acknowledged'; readonly key: TransactionKey; readonly body?: Body; readonly first: boolean }
  /** Their re-INVITE: `answer` or `reject` it. Without a body the answer is an offer, and the ACK brings theirs. */
  | { readonly kind: 'offer'; readonly body?: Body; readonly request: SipRequest }
  | { readonly kind: 'offer-withdrawn' }
  | {
      readonly kind: 'offer-answered';
      readonly body?: Body;
      readonly response: SipResponse;
      readonly acknowledged: boolean;
    }
  | { readonly kind: 'offer-failed'; readonly status: number; readonly response?: SipResponse }
  | {
      readonly kind: 'request';
      readonly key: TransactionKey;
      readonly method: Octets;
      readonly body?: Body;
      readonly request: SipRequest;
    }
  | {
      readonly kind: 'reply';
      readonly method: Octets;
      readonly context?: TransactionKey;
      readonly status: number;
      readonly response?: SipResponse;
    }
  /** Our BYE was answered 401 or 407: `hang-up` again with credentials, or leave it. */
  | { readonly kind: 'challenged'; readonly response: SipResponse }
  | EndedEvent;

export interface EndedEvent {
  readonly kind: 'ended';
  readonly by: 'local' | 'remote' | 'network';
  readonly cause: EndCause;
  /** The response that ended it, or its equivalent (408, 503 …). */
  readonly status?: number;
  /** The number of the INVITE that failed, for another try. */
  readonly seq?: number;
  readonly response?: SipResponse;
  readonly request?: SipRequest;
}

export type EndCause =
  /** 3xx–6xx to the first INVITE, by the peer or by our `reject`. */
  | 'rejected'
  | 'cancelled'
  | 'no-answer'
  /** BYE. */
  | 'hung-up'
  /** Our 2xx was never acknowledged. */
  | 'no-ack'
  /** A request within the dialog was answered 481 or 408, or not at all. */
  | 'lost'
  | 'timeout'
  | 'transport';
