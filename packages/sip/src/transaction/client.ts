/**
 * Client transaction of every method but INVITE and ACK: RFC 3261 §17.1.2.
 *
 *   trying ──1xx──▶ proceeding ──200–699──▶ completed ──K──▶ terminated
 *    │ └────────────200–699────────────────▲                 ▲
 *    └──F, transport error (proceeding too) ─────────────────┘
 *
 * The request is kept while it may be sent again: on reliable transports not at all, and `completed` absorbs
 * without it. Timer K is zero on reliable transports.
 */
import { later, type Mono, type Octets } from '@strowger/proto';
import {
  type ClientInput,
  type ClientStep,
  earlier,
  NOTHING,
  PASS_UP,
  type Resend,
  send,
  TIMED_OUT,
  UNREACHABLE,
} from './machine.ts';
import { patience, type Timing } from './timing.ts';

const machine = 'client';
interface Any {
  readonly machine: typeof machine;
}

interface Waiting extends Any {
  readonly state: 'trying' | 'proceeding';
  readonly timing: Timing;
  /** Timer E. */
  readonly resend?: Resend;
  readonly timerF: Mono;
}

interface Completed extends Any {
  readonly state: 'completed';
  readonly timerK: Mono;
}

interface Terminated extends Any {
  readonly state: 'terminated';
}

/** Plain data. */
export type Client = Waiting | Completed | Terminated;
type Step = ClientStep<Client>;

/** The end of it. */
export const TERMINATED: Client = { machine, state: 'terminated' };

/** Begins: the request goes out. */
export function start(request: Octets, reliable: boolean, timing: Timing, now: Mono): Step {
  const trying: Waiting = { machine, state: 'trying', timing, timerF: later(now, patience(timing)) };
  if (reliable) return [trying, [send(request)]];
  const resend: Resend = { text: request, at: later(now, timing.T1), interval: timing.T1 };
  return [{ ...trying, resend }, [send(request)]];
}

/** When the next `tick` is due. */
export function nextDeadline(tx: Client): Mono | undefined {
  switch (tx.state) {
    case 'trying':
    case 'proceeding':
      return earlier(tx.resend?.at, tx.timerF);
    case 'completed':
      return tx.timerK;
    case 'terminated':
      return undefined;
  }
}

/** One input. CANCEL is for INVITE alone (§9.1), so `cancel` does nothing here. */
export function step(tx: Client, input: ClientInput): Step {
  switch (tx.state) {
    case 'trying':
    case 'proceeding':
      return whileWaiting(tx, input);
    case 'completed':
      // A further response is a retransmission, and the TU has it already.
      return [input.kind === 'tick' && input.now >= tx.timerK ? TERMINATED : tx, NOTHING];
    case 'terminated':
      return [tx, NOTHING];
  }
}

function whileWaiting(tx: Waiting, input: ClientInput): Step {
  switch (input.kind) {
    case 'response':
      if (input.status < 200) return [{ ...tx, state: 'proceeding' }, [PASS_UP]];
      if (tx.resend === undefined) return [TERMINATED, [PASS_UP]];
      return [{ machine, state: 'completed', timerK: later(input.now, tx.timing.T4) }, [PASS_UP]];
    case 'tick':
      return onTick(tx, input.now);
    case 'fall-back':
      return tx.state === 'trying' ? start(input.request, false, tx.timing, input.now) : [tx, NOTHING];
    case 'transport-error':
      return [TERMINATED, [UNREACHABLE]];
    case 'cancel':
      return [tx, NOTHING];
  }
}

function onTick(tx: Waiting, now: Mono): Step {
  if (now >= tx.timerF) return [TERMINATED, [TIMED_OUT]];
  if (tx.resend === undefined || now < tx.resend.at) return [tx, NOTHING];
  const { T2 } = tx.timing;
  // Once the peer has shown that it has the request, T2 is often enough.
  const interval = tx.state === 'proceeding' ? T2 : Math.min(tx.resend.interval * 2, T2);
  const { text } = tx.resend;
  return [{ ...tx, resend: { text, at: later(now, interval), interval } }, [send(text)]];
}
