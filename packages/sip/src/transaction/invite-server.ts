/**
 * INVITE server transaction: RFC 3261 §17.2.1 as amended by RFC 6026 §7.1.
 *
 *   proceeding ──2xx──▶ accepted ──L───────────────────▶ terminated
 *       └──300–699──▶ completed ──ACK──▶ confirmed ──I──▶ ▲
 *                         └──H, transport error ──────────┘
 *
 * `accepted` keeps nothing: it absorbs the INVITE's retransmissions and lets the TU's 2xx through, which the TU alone
 * retransmits (§13.3.1.4). `completed` keeps the final response while it may be sent again, over unreliable transports;
 * `confirmed` absorbs ACKs, and is passed over on reliable ones (Timer I zero).
 */
import { later, type Mono, type Octets } from '@strowger/proto';
import {
  earlier,
  NOTHING,
  PASS_ACK,
  type Resend,
  type ServerInput,
  type ServerStep,
  send,
  TIMED_OUT,
  TRYING_DUE,
  UNREACHABLE,
} from './machine.ts';
import { patience, type Timing, TRYING_AFTER } from './timing.ts';

const machine = 'invite-server';
interface Any {
  readonly machine: typeof machine;
}

interface Proceeding extends Any {
  readonly state: 'proceeding';
  readonly timing: Timing;
  readonly reliable: boolean;
  /** When a 100 is due; gone with the first response. */
  readonly tryingAt?: Mono;
  /** The latest provisional response, sent again for each retransmission of the INVITE. */
  readonly provisional?: Octets;
}

interface Accepted extends Any {
  readonly state: 'accepted';
  readonly timerL: Mono;
}

interface Completed extends Any {
  readonly state: 'completed';
  readonly timing: Timing;
  /** Timer G. */
  readonly resend?: Resend;
  readonly timerH: Mono;
}

interface Confirmed extends Any {
  readonly state: 'confirmed';
  readonly timerI: Mono;
}

interface Terminated extends Any {
  readonly state: 'terminated';
}

/** Plain data. */
export type InviteServer = Proceeding | Accepted | Completed | Confirmed | Terminated;
type Step = ServerStep<InviteServer>;

const TERMINATED: Terminated = { machine, state: 'terminated' };

/** Begins: the TU has the INVITE, and 200 ms to say something. */
export function start(reliable: boolean, timing: Timing, now: Mono): InviteServer {
  return { machine, state: 'proceeding', timing, reliable, tryingAt: later(now, TRYING_AFTER) };
}

/** When the next `tick` is due; how long a phone may ring is the TU's to say. */
export function nextDeadline(tx: InviteServer): Mono | undefined {
  switch (tx.state) {
    case 'proceeding':
      return tx.tryingAt;
    case 'accepted':
      return tx.timerL;
    case 'completed':
      return earlier(tx.resend?.at, tx.timerH);
    case 'confirmed':
      return tx.timerI;
    case 'terminated':
      return undefined;
  }
}

/** One input. */
export function step(tx: InviteServer, input: ServerInput): Step {
  switch (input.kind) {
    case 'respond':
      return onRespond(tx, input.status, input.text, input.now);
    case 'retransmission':
      return [tx, onRetransmission(tx)];
    case 'ack':
      return onAck(tx, input.now);
    case 'tick':
      return onTick(tx, input.now);
    case 'transport-error':
      return onTransportError(tx);
  }
}

function onRespond(tx: InviteServer, status: number, text: Octets, now: Mono): Step {
  if (tx.state === 'accepted') return [tx, status >= 200 && status < 300 ? [send(text)] : NOTHING];
  if (tx.state !== 'proceeding') return [tx, NOTHING];
  const { timing, reliable } = tx;
  if (status < 200) return [{ machine, state: 'proceeding', timing, reliable, provisional: text }, [send(text)]];
  if (status < 300) return [{ machine, state: 'accepted', timerL: later(now, patience(timing)) }, [send(text)]];
  const completed: Completed = { machine, state: 'completed', timing, timerH: later(now, patience(timing)) };
  if (reliable) return [completed, [send(text)]];
  const resend: Resend = { text, at: later(now, timing.T1), interval: timing.T1 };
  return [{ ...completed, resend }, [send(text)]];
}

function onRetransmission(tx: InviteServer): Step[1] {
  if (tx.state === 'proceeding') return [tx.provisional === undefined ? TRYING_DUE : send(tx.provisional)];
  return tx.state === 'completed' && tx.resend !== undefined ? [send(tx.resend.text)] : NOTHING;
}

function onAck(tx: InviteServer, now: Mono): Step {
  // An ACK to a 2xx is a transaction of its own and seldom comes this way; peers of RFC 2543 send it so (RFC 6026 §7.1).
  if (tx.state === 'accepted') return [tx, [PASS_ACK]];
  if (tx.state !== 'completed') return [tx, NOTHING];
  if (tx.resend === undefined) return [TERMINATED, NOTHING];
  return [{ machine, state: 'confirmed', timerI: later(now, tx.timing.T4) }, NOTHING];
}

function onTransportError(tx: InviteServer): Step {
  switch (tx.state) {
    case 'proceeding':
    case 'completed':
      return [TERMINATED, [UNREACHABLE]];
    case 'accepted':
      // The TU retransmits its 2xx, so the transaction stays to let it through (RFC 6026 §7.1).
      return [tx, [UNREACHABLE]];
    case 'confirmed':
    case 'terminated':
      return [tx, NOTHING];
  }
}

function onTick(tx: InviteServer, now: Mono): Step {
  switch (tx.state) {
    case 'proceeding': {
      if (tx.tryingAt === undefined || now < tx.tryingAt) return [tx, NOTHING];
      const { tryingAt: _, ...rest } = tx;
      return [rest, [TRYING_DUE]];
    }
    case 'accepted':
      return [now >= tx.timerL ? TERMINATED : tx, NOTHING];
    case 'completed':
      if (now >= tx.timerH) return [TERMINATED, [TIMED_OUT]];
      if (tx.resend === undefined || now < tx.resend.at) return [tx, NOTHING];
      return retransmit(tx, tx.resend, now);
    case 'confirmed':
      return [now >= tx.timerI ? TERMINATED : tx, NOTHING];
    case 'terminated':
      return [tx, NOTHING];
  }
}

function retransmit(tx: Completed, { text, interval: before }: Resend, now: Mono): Step {
  const interval = Math.min(before * 2, tx.timing.T2);
  return [{ ...tx, resend: { text, at: later(now, interval), interval } }, [send(text)]];
}
