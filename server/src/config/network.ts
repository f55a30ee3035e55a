/** The small grammars of the configuration: listeners, networks, port ranges. Each says what would have been right. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { TransportName } from '@strowger/proto';

/** Where SIP is received. `address` has no brackets. */
export interface Listener {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
}

/** Where HTTP is served. */
export interface HttpListener {
  readonly secure: boolean;
  readonly address: string;
  readonly port: number;
}

/** An IP network in its normal form, e.g. `192.0.2.0/24`. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A value, or the reason why the text is none, worded to stand after the key's name. */
export type Read<T> = { readonly value: T } | { readonly problem: string };

const TRANSPORTS: ReadonlySet<string> = new Set(['udp', 'tcp', 'tls', 'ws', 'wss']);
const URL_SHAPE = /^([a-z]+):\/\/(\[[^\]]*\]|[^:/[\]]*)(?::(\d{1,5}))?(\/.*)?$/;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 };

/** `udp://192.0.2.1:5060`, `tls://[2001:db8::1]:5061`; without a port, the scheme's own. */
export function readListener(text: string): Read<Listener> {
  const url = readUrl(text, TRANSPORTS, 'udp, tcp, tls, ws or wss');
  if ('problem' in url) return url;
  const { scheme, address, port } = url.value;
  return { value: { transport: scheme as TransportName, address, port: port ?? DEFAULT_PORTS[scheme] ?? 5060 } };
}

/** `https://192.0.2.1:8443`. */
export function readHttpListener(text: string): Read<HttpListener> {
  const url = readUrl(text, new Set(['http', 'https']), 'http or https');
  if ('problem' in url) return url;
  const secure = url.value.scheme === 'https';
  return { value: { secure, address: url.value.address, port: url.value.port ?? (secure ? 443 : 80) } };
}

function readUrl(
  text: string,
  schemes: ReadonlySet<string>,
  names: string,
): Read<{ scheme: string; address: string; port?: number }> {
  const hit = URL_SHAPE.exec(text);
  if (!hit) return { problem: `expected scheme://address:port with an IPv6 address in brackets, found ${quote(text)}` };
  const [, scheme = '', host = '', digits, path] = hit;
  if (!schemes.has(scheme)) return { problem: `scheme ${quote(scheme)} is not ${names}` };
  const bracketed = host.startsWith('[');
  const address = bracketed ? host.slice(1, -1) : host;
  if (bracketed ? !isIPv6(address) : isIP(address) !== 4) {
    return { problem: `expected an IP address to listen on, such as 0.0.0.0 or [::], found ${quote(host)}` };
  }
  if (path !== undefined && path !== '/') return { problem: `a listener has no path, found ${quote(path)}` };
  if (digits === undefined) return { value: { scheme, address } };
  const port = Number(digits);
  if (port < 1 || port > 65535) return { problem: `port ${port} is not between 1 and 65535` };
  return { value: { scheme, address, port } };
}

/** `192.0.2.0/24`, `2001:db8::/32`, or a single address. Host bits must be zero, so that nobody trusts more than they read. */
export function readNetwork(text: string): Read<Network> {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0)
    return { problem: `expected a network such as 192.0.2.0/24 or 2001:db8::/32, found ${quote(text)}` };
  const width = family === 4 ? 32 : 128;
  if (bits !== undefined && !/^\d{1,3}$/.test(bits))
    return { problem: `expected a prefix length after the slash, found ${quote(text)}` };
  const prefix = bits === undefined ? width : Number(bits);
  if (prefix > width) return { problem: `prefix length ${prefix} is above ${width}` };
  if (!isNetworkAddress(address, prefix))
    return { problem: `${quote(text)} names a host and a prefix: bits after /${prefix} must be zero` };
  return { value: { address, prefix } };
}

/** `30000-30999`. */
export function readPortRange(text: string): Read<PortRange> {
  const hit = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  if (!hit) return { problem: `expected a range of ports such as 30000-30999, found ${quote(text)}` };
  const [first, last] = [Number(hit[1]), Number(hit[2])];
  if (first < 1 || last > 65535) return { problem: `ports are between 1 and 65535, found ${quote(text)}` };
  if (first > last) return { problem: `the range ends before it begins: ${quote(text)}` };
  if (last - first + 1 < 8)
    return { problem: `a call needs 8 ports (two legs, audio and video would need more), found ${last - first + 1}` };
  return { value: { first, last } };
}

/** An IP address without brackets, e.g. for media. */
export function readAddress(text: string): Read<string> {
  return isIP(text) === 0 ? { problem: `expected an IP address, found ${quote(text)}` } : { value: text };
}

/** The networks as the structure that answers "does one of them hold this address?". */
export function networkSet(networks: readonly Network[]): { has(address: string): boolean } {
  const list = new BlockList();
  for (const { address, prefix } of networks) list.addSubnet(address, prefix, isIPv6(address) ? 'ipv6' : 'ipv4');
  return { has: (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') };
}

/** Whether two listening addresses claim the same packets. `[::]` is opened for IPv6 alone, so it never claims IPv4. */
export function addressesMeet(a: string, b: string): boolean {
  if (isIPv6(a) !== isIPv6(b)) return false;
  return a === b || isWildcard(a) || isWildcard(b);
}

export const isWildcard = (address: string): boolean => address === '0.0.0.0' || /^[0:]+$/.test(address);

function isNetworkAddress(address: string, prefix: number): boolean {
  const bits = toBits(address);
  return !bits.slice(prefix).includes('1');
}

function toBits(address: string): string {
  if (!isIPv6(address))
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  // An embedded dotted quad (::ffff:192.0.2.1) is two groups.
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...q) => {
    const [a = 0, b = 0, c = 0, d = 0] = q.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const before = groups(head);
  const after = groups(tail);
  const zeros = tail === undefined ? [] : new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
