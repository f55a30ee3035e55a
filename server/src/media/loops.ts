/**
 * Rings of our own ports. Two phones in league may each describe a port of ours that the other was given; a packet once in
 * such a ring would go round for ever at the speed of the machine. A call that passes through us twice is no ring: its
 * ends are phones. Only signalled addresses need looking at, for those are all that `connect` can set.
 */
import type { SocketAddress } from '@strowger/proto';
import type { LegStream } from './bridge.ts';

/** More passes through one machine than any honest call makes. */
const MAX_PASSES = 16;

/** Whether what leaves through `stream` towards `remote` would come back to be sent there again. */
export function ringsBack(
  stream: LegStream,
  remote: SocketAddress,
  ownAt: (at: SocketAddress) => LegStream | undefined,
): boolean {
  let arrivesAt = ownAt(remote);
  for (let pass = 0; arrivesAt !== undefined; pass += 1) {
    if (arrivesAt.relay.peer === stream.relay || pass >= MAX_PASSES) return true;
    // Into itself: the other leg would hear its own voice once. Refused as well, for nobody describes our port as theirs.
    if (arrivesAt === stream) return true;
    const next: SocketAddress | undefined = arrivesAt.relay.peer?.rtp.sendTo;
    arrivesAt = next && ownAt(next);
  }
  return false;
}
