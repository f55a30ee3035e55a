/** What the kernel's parts see of the whole: each takes what it needs from here and imports no other part. */
import type { Packet, ServerKey, SipStack } from '@strowger/sip';
import type { Bounds } from './bounds.ts';
import type { Chain } from './chain.ts';
import type { Claims } from './claims.ts';
import type { AuthenticateRun, Handler, RefusedRun, RouteRun, ScreenRun, ServerOwner, SipPort } from './context.ts';
import type { Counters } from './counters.ts';
import type { DialogTable } from './dialog-table.ts';
import type { ServerHost } from './host.ts';
import type { Log } from './log.ts';
import type { TraceRing } from './trace-ring.ts';

export interface KernelParts {
  readonly host: ServerHost;
  readonly log: Log;
  readonly bounds: Bounds;
  readonly counters: Counters;
  readonly trace: TraceRing;
  readonly screen: Chain<ScreenRun>;
  readonly authenticate: Chain<AuthenticateRun>;
  readonly route: Chain<RouteRun>;
  readonly claims: Claims<Handler>;
  readonly onRefused: RefusedRun[];
  readonly dialogs: DialogTable;
  readonly stack: SipStack;
  readonly sip: SipPort;
  /** What is under way may end, nothing new begins. */
  readonly stopping: boolean;
  /** Runs a piece of work; whatever it throws is counted and logged and goes no further. */
  guard(where: string, work: () => void): void;
  /** Who is told when the INVITE of that key is cancelled. */
  watch(key: ServerKey, owner: ServerOwner): void;
  unwatch(key: ServerKey): void;
  /** Leaves with the rest of this turn, after the journal's write. */
  send(packet: Packet): void;
  /** The journal was given something: it is written at the end of this turn, whether a packet waits for it or not. */
  writeSoon(): void;
  report(): Readonly<Record<string, number>>;
}
