/**
 * The way to a device: by the flow it came in by, because a NAT lets nothing else in; but where nothing stands between,
 * to the very address its Contact or Route names (RFC 3261 §8.1.2), which may have another port than it sends from.
 */
import { type Destination, type Flow, isReliable, type Octets, type SocketAddress, sameAddress } from '@strowger/proto';
import type { SipPort } from './context.ts';

export interface Way {
  readonly flow: Flow;
  /** A device of ours is where it last spoke from; a neighbour is where its URI says. */
  readonly device: boolean;
}

export function destinationFor(
  nextHop: Octets,
  way: Way,
  sip: Pick<SipPort, 'resolve' | 'isLive'>,
): Destination | undefined {
  const { flow } = way;
  if (isReliable(flow.transport)) {
    const byFlow: Destination = { kind: 'flow', flow };
    if (sip.isLive(byFlow)) return byFlow;
    // To a device's own host alone: a Contact may name anybody, and a connection is opened on nobody's word.
    const there = sip.resolve(nextHop);
    const isThere = there?.kind === 'address' && isSameHost(there.remote, flow.remote);
    return way.device && !isThere ? undefined : there;
  }
  const there = sip.resolve(nextHop);
  if (there?.kind === 'address' && UNENCRYPTED.has(there.transport) && isSameHost(there.remote, flow.remote)) {
    // An address, not the flow: its URI may ask for TCP, and so may a request too large for UDP (RFC 3261 §18.1.1).
    return { ...there, near: flow.local };
  }
  return way.device ? { kind: 'flow', flow } : (there ?? { kind: 'flow', flow });
}

/** What a phone that spoke UDP may be asked for by its Contact; the rest needs a listener of ours that may not be there. */
const UNENCRYPTED: ReadonlySet<string> = new Set(['udp', 'tcp']);

const isSameHost = (a: SocketAddress, b: SocketAddress): boolean => sameAddress(a.address, b.address);
