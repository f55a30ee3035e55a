import { connect, createServer } from 'node:net';
import type { StreamSet } from '@strowger/proto';
import { type StreamOptions, StreamSockets } from './streams.ts';

/** How long a silent TCP connection may be before the kernel asks whether the peer is still there. */
const PROBE_AFTER_MS = 60_000;

/** SIP over TCP, RFC 3261 §18. */
export function createTcpSet(options: StreamOptions = {}): StreamSet {
  return new StreamSockets(
    {
      transport: 'tcp',
      ready: 'connect',
      createServer: (accept) => createServer({ keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS }, accept),
      dial: ({ address, port }, from) =>
        connect({
          host: address,
          port,
          keepAlive: true,
          keepAliveInitialDelay: PROBE_AFTER_MS,
          ...(from === undefined ? {} : { localAddress: from }),
        }),
    },
    options,
  );
}
