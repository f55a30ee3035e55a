/**
 * Rings of our own ports. Two phones in league may each describe a port of ours that the other was given; a packet once in
 * such a ring would go round for ever at the speed of the machine. A call that passes through us twice is no ring: its
 * ends are phones. Only described addresses need looking at: nobody is learned at one of our own ports but by them.
 */
import type { SocketAddress } from '@strowger/proto';
import { MediaError, type StreamRemote } from './port.ts';
import type { RelayStream } from './relay.ts';

/** More passes through one machine than any honest call makes. */
const MAX_PASSES = 16;

/** Throws `MEDIA_LOOP` if the leg's streams, were they described so, would be in a ring. */
export function refuseRings(
  streams: readonly { readonly relay: RelayStream }[],
  described: readonly (StreamRemote | null)[],
  ownAt: (at: SocketAddress) => RelayStream | undefined,
): void {
  const remotes = new Map(streams.map(({ relay }, i) => [relay, described[i] ?? null]));
  const remoteOf = (stream: RelayStream) => (remotes.has(stream) ? (remotes.get(stream) ?? null) : stream.remote);
  if (streams.some(({ relay }) => ringsBack(relay, remoteOf, ownAt))) {
    throw new MediaError('MEDIA_LOOP', 'media would come back to where it started');
  }
}

/**
 * Whether what leaves through `start` would come back to it, if `remoteOf` were what is described. RTP and RTCP are taken
 * together: no description has a use for either port of ours that leads back.
 */
function ringsBack(
  start: RelayStream,
  remoteOf: (stream: RelayStream) => StreamRemote | null,
  ownAt: (at: SocketAddress) => RelayStream | undefined,
): boolean {
  const passed = new Set<RelayStream>([start]);
  for (const leaving of passed) {
    const remote = remoteOf(leaving);
    if (remote === null) continue;
    for (const port of [remote.port, remote.rtcpPort]) {
      const arriving = ownAt({ address: remote.address, port });
      if (arriving === undefined) continue;
      // Into itself as well: nobody's phone is at our end of its own leg.
      if (arriving === start || arriving.peer === start || passed.size > MAX_PASSES) return true;
      if (arriving.peer) passed.add(arriving.peer);
    }
  }
  return false;
}
