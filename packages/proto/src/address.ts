/** Addresses as every layer speaks of them. Nothing here resolves a name. */
export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** RFC 3261 §17: a reliable transport takes no retransmissions. */
export const isReliable = (transport: TransportName): boolean => transport !== 'udp';

/** An IP address (no brackets, no zone) and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * The way a datagram or message came, and so the way back: one of our listeners, a peer and, on a stream, the connection.
 * Plain data. A connection number is never used twice in a boot.
 */
export interface Flow {
  readonly transport: TransportName;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Absent on UDP. */
  readonly connection?: number;
}

/** Where to send: over a flow that exists, or to an address, connecting if need be. */
export type Destination =
  | { readonly kind: 'flow'; readonly flow: Flow }
  | {
      readonly kind: 'address';
      readonly transport: TransportName;
      readonly remote: SocketAddress;
      /** The address of ours that the peer knows, on a machine that has several. */
      readonly near?: SocketAddress;
    };

export const isIpv6 = (address: string): boolean => address.includes(':');

/** `192.0.2.1:5060` or `[2001:db8::1]:5060`. */
export function formatSocketAddress({ address, port }: SocketAddress): string {
  return isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The address as it stands in a URI or Via: IPv6 in brackets. */
export const formatHost = (address: string): string => (isIpv6(address) ? `[${address}]` : address);

export function sameSocketAddress(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.address === b.address;
}

/** The host of a URI or Via without its brackets. */
export const bareHost = (host: string): string =>
  host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;

/** Whether two texts are one IP address: IPv6 has many spellings, and what a peer wrote need not be the socket's. */
export function sameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  return isIpv6(a) && isIpv6(b) && groups(a) === groups(b);
}

/** The eight groups of an IPv6 address; one with an IPv4 tail keeps the tail as it is. */
function groups(address: string): string {
  const [head = '', tail] = address.split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const all = [...front, ...new Array<string>(missing).fill('0'), ...back];
  return all
    .map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16).toString(16) : group))
    .join(':');
}
