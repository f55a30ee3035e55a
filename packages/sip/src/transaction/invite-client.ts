/**
 * INVITE client transaction: RFC 3261 §17.1.1 as amended by RFC 6026 §7.2; CANCEL by §9.1.
 *
 *   calling ──1xx──▶ proceeding ──2xx──▶ accepted ──M──▶ terminated
 *    │ │ └───────────2xx─────────────────▲                  ▲ ▲
 *    │ └──300–699──▶ completed ◀──300–699── proceeding      │ │
 *    │                   └───────────D──────────────────────┘ │
 *    └──B, transport error; proceeding: 64·T1 after CANCEL ───┘
 *
 * `proceeding` keeps the request, for its ACK and its CANCEL are made of it; `accepted` keeps nothing, since the TU
 * acknowledges each 2xx itself; `completed` keeps the ACK alone, and is passed over on reliable transports (Timer D zero).
 */
import { later, type Mono, type Octets } from '@strowger/proto';
import {
  CANCEL,
  type ClientInput,
  type ClientOutput,
  type ClientStep,
  earlier,
  NOTHING,
  PASS_UP,
  send,
  TIMED_OUT,
  UNREACHABLE,
} from './machine.ts';
import { patience, type Timing, timerD } from './timing.ts';

const machine = 'invite-client';
interface Any {
  readonly machine: typeof machine;
}

interface Calling extends Any {
  readonly state: 'calling';
  readonly request: Octets;
  readonly timing: Timing;
  /** Timer A and the interval it was set to; absent on reliable transports. */
  readonly timerA?: Mono;
  readonly interval: number;
  readonly timerB: Mono;
  /** A CANCEL waits for the first provisional response. */
  readonly cancelling: boolean;
}

interface Proceeding extends Any {
  readonly state: 'proceeding';
  readonly request: Octets;
  readonly timing: Timing;
  readonly reliable: boolean;
  /** Set by CANCEL: a peer of RFC 2543 never sends the 487 (§9.1). */
  readonly abandonAt?: Mono;
}

interface Accepted extends Any {
  readonly state: 'accepted';
  readonly timerM: Mono;
}

interface Completed extends Any {
  readonly state: 'completed';
  readonly ack: Octets;
  readonly timerD: Mono;
}

interface Terminated extends Any {
  readonly state: 'terminated';
}

/** Plain data: it can be logged, compared in a test, or snapshotted. */
export type InviteClient = Calling | Proceeding | Accepted | Completed | Terminated;
type Step = ClientStep<InviteClient>;

const TERMINATED: Terminated = { machine, state: 'terminated' };

/** Begins: the request goes out. */
export function start(request: Octets, reliable: boolean, timing: Timing, now: Mono): Step {
  return [call(request, reliable, timing, now, false), [send(request)]];
}

function call(request: Octets, reliable: boolean, timing: Timing, now: Mono, cancelling: boolean): Calling {
  const timerB = later(now, patience(timing));
  const calling: Calling = { machine, state: 'calling', request, timing, interval: timing.T1, timerB, cancelling };
  return reliable ? calling : { ...calling, timerA: later(now, timing.T1) };
}

/** When the next `tick` is due; a ringing call has no deadline here (Timer C is the proxy's, patience the TU's). */
export function nextDeadline(tx: InviteClient): Mono | undefined {
  switch (tx.state) {
    case 'calling':
      return earlier(tx.timerA, tx.timerB);
    case 'proceeding':
      return tx.abandonAt;
    case 'accepted':
      return tx.timerM;
    case 'completed':
      return tx.timerD;
    case 'terminated':
      return undefined;
  }
}

/** One input. */
export function step(tx: InviteClient, input: ClientInput): Step {
  switch (input.kind) {
    case 'response':
      return onResponse(tx, input.status, input.ack, input.now);
    case 'tick':
      return onTick(tx, input.now);
    case 'cancel':
      return onCancel(tx, input.now);
    case 'fall-back':
      if (tx.state !== 'calling') return [tx, NOTHING];
      return [call(input.request, false, tx.timing, input.now, tx.cancelling), [send(input.request)]];
    case 'transport-error':
      return onTransportError(tx);
  }
}

function onResponse(tx: InviteClient, status: number, ack: Octets | undefined, now: Mono): Step {
  switch (tx.state) {
    case 'calling':
      if (status < 200) return proceed(tx, now);
      return finish(tx, tx.timerA === undefined, status, ack, now);
    case 'proceeding':
      if (status < 200) return [tx, [PASS_UP]];
      return finish(tx, tx.reliable, status, ack, now);
    case 'accepted':
      // Forked or retransmitted 2xx: the TU acknowledges each one itself (RFC 6026 §7.2).
      return [tx, status >= 200 && status < 300 ? [PASS_UP] : NOTHING];
    case 'completed':
      // The peer did not get our ACK. The TU has this response already.
      return [tx, status >= 300 ? [send(tx.ack)] : NOTHING];
    case 'terminated':
      return [tx, NOTHING];
  }
}

function proceed({ request, timing, timerA, cancelling }: Calling, now: Mono): Step {
  const proceeding: Proceeding = { machine, state: 'proceeding', request, timing, reliable: timerA === undefined };
  return cancelling ? [abandon(proceeding, now), [CANCEL, PASS_UP]] : [proceeding, [PASS_UP]];
}

function finish(
  { timing }: Calling | Proceeding,
  reliable: boolean,
  status: number,
  ack: Octets | undefined,
  now: Mono,
): Step {
  if (status < 300) return [{ machine, state: 'accepted', timerM: later(now, patience(timing)) }, [PASS_UP]];
  const outputs: readonly ClientOutput[] = ack === undefined ? [PASS_UP] : [send(ack), PASS_UP];
  // Timer D is zero on a reliable transport: there is nothing left to absorb.
  if (reliable || ack === undefined) return [TERMINATED, outputs];
  return [{ machine, state: 'completed', ack, timerD: later(now, timerD(timing)) }, outputs];
}

function onCancel(tx: InviteClient, now: Mono): Step {
  // §9.1: not before a provisional response, and without effect after a final one.
  if (tx.state === 'calling') return [{ ...tx, cancelling: true }, NOTHING];
  if (tx.state !== 'proceeding' || tx.abandonAt !== undefined) return [tx, NOTHING];
  return [abandon(tx, now), [CANCEL]];
}

function abandon(tx: Proceeding, now: Mono): Proceeding {
  return { ...tx, abandonAt: later(now, patience(tx.timing)) };
}

function onTransportError(tx: InviteClient): Step {
  switch (tx.state) {
    case 'calling':
    case 'proceeding':
      return [TERMINATED, [UNREACHABLE]];
    case 'completed':
      // The ACK did not go (§17.1.4). The TU has had its one verdict, the final response.
      return [TERMINATED, NOTHING];
    case 'accepted':
    case 'terminated':
      return [tx, NOTHING];
  }
}

function onTick(tx: InviteClient, now: Mono): Step {
  switch (tx.state) {
    case 'calling':
      if (now >= tx.timerB) return [TERMINATED, [TIMED_OUT]];
      if (tx.timerA === undefined || now < tx.timerA) return [tx, NOTHING];
      return retransmit(tx, now);
    case 'proceeding':
      return tx.abandonAt !== undefined && now >= tx.abandonAt ? [TERMINATED, [TIMED_OUT]] : [tx, NOTHING];
    case 'accepted':
      return [now >= tx.timerM ? TERMINATED : tx, NOTHING];
    case 'completed':
      return [now >= tx.timerD ? TERMINATED : tx, NOTHING];
    case 'terminated':
      return [tx, NOTHING];
  }
}

function retransmit(tx: Calling, now: Mono): Step {
  const interval = tx.interval * 2;
  return [{ ...tx, interval, timerA: later(now, interval) }, [send(tx.request)]];
}
