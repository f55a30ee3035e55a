/** Calls as other modules see them. Features act on calls through this alone. */
import { type ServiceKey, serviceKey } from '../../kernel/module.ts';
import type { CallEnd, CallTimes } from './coupling.ts';

export interface Party {
  readonly kind: 'device' | 'network' | 'address';
  /** The number or user that people know it by. */
  readonly number: string;
  readonly name?: string;
  readonly device?: string;
}

export interface CallView {
  readonly id: string;
  readonly tenant: string;
  readonly phase: 'preparing' | 'ringing' | 'up' | 'ended';
  readonly caller: Party;
  readonly callee: Party;
  readonly times: CallTimes;
  /** The caller's Call-ID: the name under which its messages are traced. */
  readonly callId: string;
}

/** A call that is over, as it is written down. */
export interface EndedCall extends CallView {
  readonly end: CallEnd;
  readonly answeredBy?: string;
  readonly legs: readonly { readonly leg: string; readonly status?: number }[];
}

export interface CallsService {
  list(tenant: string): readonly CallView[];
  /** False when there is no such call. */
  hangUp(tenant: string, id: string, why: string): boolean;
  /** Told once of each call, when nothing more can happen to it. */
  onEnded(listener: (call: EndedCall) => void): void;
  readonly size: number;
}

export const calls: ServiceKey<CallsService> = serviceKey('calls');
