/** The bounds of what the signalling process keeps outside the kernel: its sockets and its talk with the other two. */
import type { StreamSet, UdpSet } from '@strowger/proto';
import type { ObservedBound } from '../kernel/bounds.ts';
import type { MediaClient } from '../media/client.ts';
import type { Storage } from '../storage/storage.ts';

/** Datagrams that the system has not taken yet. */
export const MAX_DATAGRAMS = 16_384;
/** Octets that all TCP connections hold: unfinished messages, and what peers do not read. */
export const MAX_BUFFERED: number = 64 << 20;
export const MAX_STORAGE_CALLS = 20_000;
export const MAX_MEDIA_CALLS = 1_024;

export interface HostParts {
  readonly udp: Pick<UdpSet, 'counters'>;
  readonly tcp: Pick<StreamSet, 'counters'>;
  readonly storage: Pick<Storage, 'counters'>;
  readonly media: Pick<MediaClient, 'pending'>;
  readonly connections: number;
}

export function hostBounds({ udp, tcp, storage, media, connections }: HostParts): readonly ObservedBound[] {
  return [
    {
      name: 'udp.queued',
      cap: MAX_DATAGRAMS,
      whenFull: 'the datagram is not sent, and its transaction told so',
      used: () => udp.counters().queued,
    },
    {
      name: 'tcp.connections',
      cap: connections,
      whenFull: 'a new connection is closed at once',
      used: () => tcp.counters().connections,
    },
    {
      name: 'tcp.buffered',
      cap: MAX_BUFFERED,
      whenFull: 'connections that hold more than their share are closed',
      used: () => tcp.counters().buffered,
    },
    {
      name: 'storage.pending',
      cap: MAX_STORAGE_CALLS,
      whenFull: 'the query is refused with STORE_BUSY',
      used: () => storage.counters().pending,
    },
    {
      name: 'media.pending',
      cap: MAX_MEDIA_CALLS,
      whenFull: 'the request is refused with MEDIA_BUSY, and a call that needs it ends',
      used: () => media.pending,
    },
  ];
}
