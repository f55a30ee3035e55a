/** Our own places: where we listen, what we call ourselves in a Via, and which of them a packet leaves from. */
import {
  type Destination,
  encode,
  formatHost,
  isIpv6,
  type Octets,
  octets,
  type SocketAddress,
  type TransportName,
} from '@strowger/proto';

/** One listener. */
export interface Local {
  readonly transport: TransportName;
  /** What it is bound to. */
  readonly address: SocketAddress;
  /** What others are to call it, if that differs: a name, or the address outside a NAT. */
  readonly sentBy?: { readonly host: string; readonly port?: number };
}

/** RFC 3261 §18.1.1, RFC 7118 §5: the port meant when a sent-by names none. */
export function defaultPort(transport: TransportName): number {
  switch (transport) {
    case 'udp':
    case 'tcp':
      return 5060;
    case 'tls':
      return 5061;
    case 'ws':
      return 80;
    case 'wss':
      return 443;
  }
}

/** The listener that speaks for a packet to there; `undefined` when none has that transport and family. */
export function chooseLocal(locals: readonly Local[], to: Destination): Local | undefined {
  const transport = to.kind === 'flow' ? to.flow.transport : to.transport;
  const remote = to.kind === 'flow' ? to.flow.remote : to.remote;
  const near = to.kind === 'flow' ? to.flow.local : to.near;
  let best: Local | undefined;
  let bestRank = -1;
  for (const local of locals) {
    if (local.transport !== transport || isIpv6(local.address.address) !== isIpv6(remote.address)) continue;
    const rank = rankLocal(local.address, remote, near);
    if (rank > bestRank) [best, bestRank] = [local, rank];
  }
  return best;
}

/** The listener a flow belongs to comes first; else loopback speaks to loopback and nothing else does. */
function rankLocal(own: SocketAddress, remote: SocketAddress, near: SocketAddress | undefined): number {
  if (near !== undefined && own.address === near.address) return own.port === near.port ? 8 : 4;
  if (isWildcard(own.address)) return near?.port === own.port ? 6 : 2;
  return isLoopback(own.address) === isLoopback(remote.address) ? 3 : 0;
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';
const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** `host:port` for a Via; a listener bound to every address takes the one that the flow came to. */
export function sentBy({ address, sentBy: advertised }: Local, to: Destination): Octets {
  if (advertised) {
    const host = encode(advertised.host);
    return advertised.port === undefined ? host : octets`${host}:${advertised.port}`;
  }
  const own = isWildcard(address.address) && to.kind === 'flow' ? to.flow.local.address : address.address;
  return octets`${encode(formatHost(own))}:${address.port}`;
}
