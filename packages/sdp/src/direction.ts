/** The algebra of directions, RFC 3264 §5.1, §6.1 and §8.4. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export const DIRECTIONS: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

export const sends = (d: Direction): boolean => d === 'sendrecv' || d === 'sendonly';
export const receives = (d: Direction): boolean => d === 'sendrecv' || d === 'recvonly';

export function directionFrom(sending: boolean, receiving: boolean): Direction {
  if (sending) return receiving ? 'sendrecv' : 'sendonly';
  return receiving ? 'recvonly' : 'inactive';
}

/** The same stream seen from the other end. */
export const reverse = (d: Direction): Direction => directionFrom(receives(d), sends(d));

/** What both allow. */
export const intersect = (a: Direction, b: Direction): Direction =>
  directionFrom(sends(a) && sends(b), receives(a) && receives(b));

/** What may be answered to an offer by one who would like `wanted` (§6.1): never more than the offerer takes part in. */
export const answerDirection = (offered: Direction, wanted: Direction): Direction =>
  intersect(reverse(offered), wanted);

/** Putting the other on hold: we stop listening, and go on sending (music, say) if we did (§8.4). */
export const holdDirection = (d: Direction): Direction => directionFrom(sends(d), false);
