/** IP addresses in one spelling, so that comparing texts compares addresses. */
import { isIP, SocketAddress as NodeSocketAddress } from 'node:net';

const MAPPED = '::ffff:';

/** The spelling that sockets report; `undefined` for what is no IP address. IPv4 inside IPv6 becomes IPv4. A zone goes. */
export function canonicalIp(text: string): string | undefined {
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  const family = isIP(bare);
  if (family === 0) return undefined;
  if (family === 4) return bare;
  const { address } = new NodeSocketAddress({ address: bare, family: 'ipv6' });
  const inner = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  return isIP(inner) === 4 ? inner : address;
}

/** RFC 2543 hold, and nothing one may send to: the kernel would take it for this machine. */
export const isUnspecified = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';

/** Multicast and broadcast: one packet of a phone would become many. */
export function isMany(ip: string): boolean {
  if (ip.includes(':')) return ip.startsWith('ff');
  const first = Number(ip.slice(0, ip.indexOf('.')));
  return (first >= 224 && first <= 239) || ip === '255.255.255.255';
}

export const isLoopback = (ip: string): boolean => ip.startsWith('127.') || ip === '::1';

export const sameFamily = (a: string, b: string): boolean => a.includes(':') === b.includes(':');
