/** The three times of RFC 3261 §17.1.1.1 from which every transaction timer is made (Appendix A, table 4). */
export interface Timing {
  /** Estimate of a round trip. */
  readonly T1: number;
  /** The longest interval between retransmissions of non-INVITE requests and of final responses to INVITE. */
  readonly T2: number;
  /** How long a message may stay in the network. */
  readonly T4: number;
}

/** The RFC's own values, in milliseconds. */
export const DEFAULT_TIMING: Timing = { T1: 500, T2: 4_000, T4: 5_000 };

/** An INVITE that the TU has not answered by then is answered 100 (RFC 3261 §17.2.1). */
export const TRYING_AFTER = 200;

/** Timers B, F, H, J, L and M: how long a transaction as a whole may wait for its peer. */
export const patience = ({ T1 }: Timing): number => 64 * T1;

/** Timer D: the peer may retransmit its final response as long as its Timer H, but never less than 32 s. */
export const timerD = ({ T1 }: Timing): number => Math.max(32_000, 64 * T1);

/**
 * How long a client takes until its Timer E stands at T2: before that, a 100 to a non-INVITE over UDP does harm, after
 * it silence does (RFC 4320 §4.1). 3.5 s with the default times.
 */
export function tryingAfter({ T1, T2 }: Timing): number {
  let elapsed = T1;
  for (let interval = T1 * 2; interval > 0 && interval < T2; interval *= 2) elapsed += interval;
  return elapsed;
}
