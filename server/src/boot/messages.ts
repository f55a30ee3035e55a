/** What the supervisor and its processes say to each other, over Node's own channel. */
import type { Config } from '../config/schema.ts';
import type { Listening } from '../kernel/host.ts';

/** The configuration goes this way and by no argument or environment, where other users of the machine could read it. */
export interface StartSignalling {
  readonly kind: 'start';
  readonly data: string;
  readonly config: Config;
}

/** The administrator's first password has been printed. */
export interface Announced {
  readonly kind: 'announced';
}

export type ToSignalling = StartSignalling | Announced;

export interface SignallingReady {
  readonly kind: 'ready';
  readonly listening: readonly Listening[];
  /** Listeners that could not be had and that nobody asked for by name: no IPv6 here, for instance. */
  readonly skipped: readonly { readonly listener: string; readonly why: string }[];
  readonly bindings: number;
  readonly calls: number;
  /** Of people whose configuration gives none: made up here, and to be typed into a phone by somebody. */
  readonly generated: readonly { readonly name: string; readonly extension: string; readonly password: string }[];
  readonly administrator?: { readonly name: string; readonly password: string };
}

export interface SignallingFailed {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
}

export type FromSignalling = SignallingReady | SignallingFailed;
