/** What a caller is told when nobody took the call (RFC 3261 §16.7 step 6), and why, in words of the callee. */
import { because } from '../../../kernel/reason.ts';
import type { CallEnd } from './state.ts';

/** Of several, the one that tells the caller most: declined, then busy, then whatever else the phones said. */
const TELLING = [603, 486, 600, 404, 488, 415, 480, 408];

export function bestFailure(statuses: readonly number[], lastCause: string): CallEnd {
  const status = forCaller([...statuses].sort((a, b) => rank(a) - rank(b))[0] ?? 480);
  if (status === 480 && lastCause === 'no-answer') {
    return { by: 'server', cause: lastCause, status, reason: because('callee-did-not-answer') };
  }
  return { by: byOf(status), cause: causeOf(status), status, reason: because(reasonOf(status), { status }) };
}

function rank(status: number): number {
  const at = TELLING.indexOf(status);
  return at < 0 ? TELLING.length + status : at;
}

/**
 * The phone's 401 or 407 is to us and no business of the caller's; its 3xx would send the caller past the exchange; its
 * 5xx speaks of one device. All three leave: not available.
 */
function forCaller(status: number): number {
  if (status === 401 || status === 407 || status === 481) return 480;
  if ((status >= 300 && status < 400) || (status >= 500 && status < 600)) return 480;
  return status;
}

/**
 * The same within a call, where one side's refusal answers the other's request: a challenge would have a phone send its
 * password where it is not wanted, a redirection send it past the exchange, and 481 end a call of its own that stands
 * (RFC 3261 §12.2.1.2). They become `instead`.
 */
export function forPeer(status: number, instead: number): number {
  const ofOneLeg = status === 401 || status === 407 || status === 481 || (status >= 300 && status < 400);
  return ofOneLeg ? instead : status;
}

const byOf = (status: number): CallEnd['by'] => (status === 408 ? 'network' : 'callee');

function causeOf(status: number): string {
  if (status === 486 || status === 600) return 'busy';
  return status === 408 ? 'no-response' : 'rejected';
}

function reasonOf(status: number): string {
  if (status === 486 || status === 600) return 'callee-busy';
  if (status === 603) return 'callee-declined';
  if (status === 408) return 'callee-phones-silent';
  return 'callee-not-available';
}
