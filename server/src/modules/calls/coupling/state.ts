/** What a coupling knows, is told and asks for: plain data. */
import type { Wall } from '@strowger/proto';
import type { Reason } from '../../../kernel/reason.ts';
import type { StreamLocal } from '../../../media/port.ts';
import type { Body, LegCommand, LegEvent } from '../leg.ts';

/** The caller's leg in every call. */
export const CALLER = 'a';

export interface Coupling {
  readonly id: string;
  readonly phase: 'preparing' | 'ringing' | 'up' | 'ended';
  /** The caller's offer, until every fork that will hear of it has. */
  readonly offer?: Body;
  readonly caller: LegSide;
  readonly forks: readonly Fork[];
  /** Bridges, by the address on which their `b` side listens: a phone on IPv6 is reached from an IPv6 address. */
  readonly paths: readonly MediaPath[];
  /** The fork that answered, or whose offer the caller is considering. */
  readonly winner?: string;
  readonly exchange?: Exchange;
  /** The last progress the caller was told, so that it is not told again. */
  readonly told?: number;
  /** It hears what a phone plays before it answers. */
  readonly early?: true;
  readonly times: CallTimes;
}

export interface CallTimes {
  readonly start: Wall;
  readonly ring?: Wall;
  readonly answer?: Wall;
  readonly end?: Wall;
}

export interface LegSide {
  /** Where our media ports towards it are. */
  readonly bind: string;
  /** The IP its SIP comes from: media may be learned from there (see media/latch.ts). */
  readonly source: string;
  /** How many descriptions we have sent it: the version of our `o=` line (RFC 3264 §8). */
  readonly version: number;
}

export interface Fork extends LegSide {
  readonly leg: string;
  /** Tried together; a group begins when the one before it has failed (RFC 3261 §16.6 on q). */
  readonly group: number;
  readonly state: 'waiting' | 'trying' | 'answered' | 'over';
  /** How it ended: the status the caller may be given. */
  readonly status?: number;
}

export interface MediaPath {
  readonly bridge: string;
  readonly bind: string;
  readonly streams: number;
  readonly a: readonly StreamLocal[];
  readonly b: readonly StreamLocal[];
}

/** An offer on its way through. `late`: the asked side offers and the asking side answers in its ACK. */
export interface Exchange {
  readonly from: string;
  readonly late: boolean;
  readonly body?: Body;
  /** `media`: waits for ports. `crossing`: with the other side. `acking`: its offer is with the asking side. */
  readonly stage: 'media' | 'crossing' | 'acking';
  /** Where the 2xx of the call itself is what is under way. */
  readonly first: boolean;
}

export interface ForkPlan {
  readonly leg: string;
  readonly bind: string;
  readonly source: string;
  readonly group: number;
}

export type CouplingInput =
  | { readonly kind: 'leg'; readonly leg: string; readonly event: LegEvent; readonly now: Wall }
  | {
      readonly kind: 'allocated';
      readonly bridge: string;
      readonly a: readonly StreamLocal[];
      readonly b: readonly StreamLocal[];
      readonly now: Wall;
    }
  | { readonly kind: 'media-failed'; readonly bridge: string; readonly code: string; readonly now: Wall }
  | { readonly kind: 'hang-up'; readonly why: Reason; readonly now: Wall };

export type CouplingOutput =
  | { readonly kind: 'command'; readonly leg: string; readonly command: LegCommand }
  /** Make this fork's leg and have it ring. */
  | { readonly kind: 'call'; readonly leg: string; readonly body?: Body }
  | {
      readonly kind: 'allocate';
      readonly bridge: string;
      readonly binds: { readonly a: string; readonly b: string };
      readonly streams: number;
    }
  | {
      readonly kind: 'connect';
      readonly bridge: string;
      readonly side: 'a' | 'b';
      readonly source: string;
      readonly description: Body;
    }
  | { readonly kind: 'release'; readonly bridge: string }
  /** Worth surviving a crash: ringing, answered, a target or description changed. */
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'ended'; readonly end: CallEnd };

export interface CallEnd {
  readonly by: 'caller' | 'callee' | 'server' | 'network';
  readonly cause: string;
  readonly status?: number;
  readonly reason: Reason;
}

export type CouplingStep = readonly [Coupling, readonly CouplingOutput[]];

export interface CouplingStart {
  readonly id: string;
  readonly offer?: Body;
  readonly caller: { readonly bind: string; readonly source: string };
  readonly forks: readonly ForkPlan[];
  readonly now: Wall;
}

/** The leg at the other end; undefined while there is none. */
export function peerOf(coupling: Coupling, leg: string): string | undefined {
  if (leg !== CALLER) return leg === coupling.winner ? CALLER : undefined;
  return coupling.winner;
}
