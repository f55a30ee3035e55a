/**
 * Server transaction of every method but INVITE and ACK: RFC 3261 §17.2.2 as amended by RFC 4320.
 *
 *   trying ──100──▶ proceeding ──200–699──▶ completed ──J──▶ terminated
 *    │ └────────────200–699────────────────▲                 ▲
 *    └──64·T1 without an answer, transport error ────────────┘
 *
 * RFC 4320: of provisional responses only a 100, over UDP not before a client's Timer E stands at T2, and then always;
 * never a 408, for it comes too late and harms. An unanswered request ends after 64·T1, when nobody waits any longer.
 * Timer J is zero on reliable transports.
 */
import { later, type Mono, type Octets } from '@strowger/proto';
import {
  earlier,
  NOTHING,
  type ServerInput,
  type ServerOutput,
  type ServerStep,
  send,
  TIMED_OUT,
  TRYING_DUE,
  UNREACHABLE,
} from './machine.ts';
import { patience, type Timing, tryingAfter } from './timing.ts';

const machine = 'server';
interface Any {
  readonly machine: typeof machine;
}

interface Trying extends Any {
  readonly state: 'trying';
  readonly timing: Timing;
  readonly reliable: boolean;
  /** When a 100 is due, and allowed over UDP (RFC 4320 §4.1). Absent once it was asked for. */
  readonly tryingAt?: Mono;
  readonly abandonAt: Mono;
}

interface Proceeding extends Any {
  readonly state: 'proceeding';
  readonly timing: Timing;
  readonly reliable: boolean;
  readonly provisional: Octets;
  readonly abandonAt: Mono;
}

interface Completed extends Any {
  readonly state: 'completed';
  /** Absent when the TU's verdict was a 408: then retransmissions are absorbed in silence. */
  readonly response?: Octets;
  readonly timerJ: Mono;
}

interface Terminated extends Any {
  readonly state: 'terminated';
}

/** Plain data. */
export type Server = Trying | Proceeding | Completed | Terminated;
type Step = ServerStep<Server>;

const TERMINATED: Terminated = { machine, state: 'terminated' };

/** Begins: the TU has the request. */
export function start(reliable: boolean, timing: Timing, now: Mono): Server {
  const tryingAt = later(now, tryingAfter(timing));
  return { machine, state: 'trying', timing, reliable, tryingAt, abandonAt: later(now, patience(timing)) };
}

/** When the next `tick` is due. */
export function nextDeadline(tx: Server): Mono | undefined {
  switch (tx.state) {
    case 'trying':
      return earlier(tx.tryingAt, tx.abandonAt);
    case 'proceeding':
      return tx.abandonAt;
    case 'completed':
      return tx.timerJ;
    case 'terminated':
      return undefined;
  }
}

/** One input. ACK belongs to INVITE alone. */
export function step(tx: Server, input: ServerInput): Step {
  switch (input.kind) {
    case 'respond':
      return onRespond(tx, input.status, input.text, input.now);
    case 'retransmission':
      return [tx, onRetransmission(tx)];
    case 'tick':
      return onTick(tx, input.now);
    case 'transport-error':
      return tx.state === 'terminated' ? [tx, NOTHING] : [TERMINATED, [UNREACHABLE]];
    case 'ack':
      return [tx, NOTHING];
  }
}

function onRespond(tx: Server, status: number, text: Octets, now: Mono): Step {
  if (tx.state !== 'trying' && tx.state !== 'proceeding') return [tx, NOTHING];
  const { timing, reliable, abandonAt } = tx;
  if (status < 200) {
    const early = tx.state === 'trying' && tx.tryingAt !== undefined && now < tx.tryingAt;
    if (status !== 100 || (early && !reliable)) return [tx, NOTHING];
    return [{ machine, state: 'proceeding', timing, reliable, provisional: text, abandonAt }, [send(text)]];
  }
  const outputs: readonly ServerOutput[] = status === 408 ? NOTHING : [send(text)];
  if (reliable) return [TERMINATED, outputs];
  const completed: Completed = { machine, state: 'completed', timerJ: later(now, patience(timing)) };
  return [status === 408 ? completed : { ...completed, response: text }, outputs];
}

function onRetransmission(tx: Server): readonly ServerOutput[] {
  if (tx.state === 'proceeding') return [send(tx.provisional)];
  return tx.state === 'completed' && tx.response !== undefined ? [send(tx.response)] : NOTHING;
}

function onTick(tx: Server, now: Mono): Step {
  switch (tx.state) {
    case 'trying': {
      if (now >= tx.abandonAt) return [TERMINATED, [TIMED_OUT]];
      if (tx.tryingAt === undefined || now < tx.tryingAt) return [tx, NOTHING];
      const { tryingAt: _, ...rest } = tx;
      return [rest, [TRYING_DUE]];
    }
    case 'proceeding':
      return now >= tx.abandonAt ? [TERMINATED, [TIMED_OUT]] : [tx, NOTHING];
    case 'completed':
      return [now >= tx.timerJ ? TERMINATED : tx, NOTHING];
    case 'terminated':
      return [tx, NOTHING];
  }
}
