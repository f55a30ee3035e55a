/** What the generator is told to do, and what it says of it. */
import type { Login } from '../../tests/support/digest.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
}

export interface Job {
  readonly kind: 'register' | 'call';
  readonly server: Place;
  readonly domain: string;
  /** For calls, the first half calls the second. */
  readonly logins: readonly Login[];
  /** Operations under way at once: as one ends the next begins. */
  readonly window: number;
  /** Where calls say their media is; nothing is sent there or from there. */
  readonly mediaPort: number;
}

/** What happened since the last report. */
export interface Tally {
  readonly done: number;
  readonly failed: number;
  /** Messages sent again for want of an answer. */
  readonly resent: number;
  /** Milliseconds: of a REGISTER to its 200, of a call's INVITE to its 200. */
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** The first failure, in the server's words. */
  readonly failure?: string;
}

/** To the generator. */
export type Command = { readonly kind: 'tally' } | { readonly kind: 'stop' };
/** From it. */
export type Report = { readonly kind: 'ready' } | ({ readonly kind: 'tally' } & Tally);
