/** What a URI may be. */
import type { Octets } from '@strowger/proto';
import type { Params } from './params.ts';

export type Uri = SipUri | TelUri | OtherUri;

/** User, password and parameter values are raw, escapes and all; `userText` gives them to people. */
export interface SipUri {
  readonly kind: 'sip';
  readonly secure: boolean;
  readonly user?: Octets;
  readonly password?: Octets;
  /** In lower case, IPv6 in brackets. */
  readonly host: Octets;
  readonly port?: number;
  readonly params: Params;
  /** What follows the question mark. */
  readonly headers?: Octets;
}

export interface TelUri {
  readonly kind: 'tel';
  /** As written, visual separators included. */
  readonly number: Octets;
  readonly params: Params;
}

export interface OtherUri {
  readonly kind: 'other';
  /** In lower case. */
  readonly scheme: Octets;
  readonly text: Octets;
}
