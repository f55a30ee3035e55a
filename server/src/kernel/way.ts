/**
 * The way to a device: by the flow it came in by, because a NAT lets nothing else in; but where nothing stands between,
 * to the very address its Contact or Route names (RFC 3261 §8.1.2), which may have another port than it sends from.
 */
import { bareHost, type Destination, type Flow, isReliable, type Octets, sameAddress } from '@strowger/proto';
import { parseUri, type SipUri } from '@strowger/sip';
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
  const uri = parseUri(nextHop);
  const target = uri.ok && uri.value.kind === 'sip' ? uri.value : undefined;
  if (isReliable(flow.transport)) {
    const byFlow: Destination = { kind: 'flow', flow };
    if (sip.isLive(byFlow)) return byFlow;
    // To a device's own host alone: a Contact may name anybody, and a connection is opened on nobody's word.
    const there = sip.resolve(nextHop);
    const isThere = there?.kind === 'address' && sameAddress(there.remote.address, flow.remote.address);
    return way.device && !isThere ? undefined : there;
  }
  if (target && bareHost(target.host) === flow.remote.address && transportOf(target) === 'udp') {
    // An address, not the flow: a request that is too large for UDP may then take TCP (RFC 3261 §18.1.1).
    const remote = { address: flow.remote.address, port: target.port ?? 5060 };
    return { kind: 'address', transport: 'udp', remote, near: flow.local };
  }
  return way.device ? { kind: 'flow', flow } : (sip.resolve(nextHop) ?? { kind: 'flow', flow });
}

function transportOf(uri: SipUri): string {
  const value = uri.params.find(({ name }) => name === 'transport')?.value;
  return value === undefined ? 'udp' : value.replace(/[A-Z]/g, (c) => c.toLowerCase());
}
