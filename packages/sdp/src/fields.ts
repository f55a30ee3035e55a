/** The three lines with a grammar of their own: `o=` (RFC 8866 §5.2), `c=` (§5.7) and `m=` (§5.14). */
import { EMPTY, faulty, lowerAscii, type Octets, octets, type Parsed, parsed, slice } from '@strowger/proto';
import { unwords, words } from './lines.ts';

export type Family = 4 | 6;

/** Who made the description, and which edition of it this is. */
export interface Origin {
  readonly username: Octets;
  /** Digits; up to 64 bits of them, so not a number. */
  readonly sessionId: Octets;
  readonly version: Octets;
  readonly family: Family;
  readonly address: Octets;
}

/** Where media is to be sent. */
export interface Connection {
  readonly family: Family;
  readonly address: Octets;
  /** `/ttl` or `/ttl/count` of a multicast address, slash and all. */
  readonly suffix?: Octets;
}

export interface MediaLine {
  readonly kind: Octets;
  /** 0 is a stream refused or removed (RFC 3264 §5.1, §6). */
  readonly port: number;
  /** Several ports in a row, for layered codecs. */
  readonly portCount?: number;
  readonly protocol: Octets;
  readonly formats: readonly Octets[];
}

/** A hostile line must not make us hold thousands of formats; real lines have some thirty. */
const MAX_FORMATS = 256;

export function parseOrigin(value: Octets): Parsed<Origin> {
  const parts = words(value);
  if (parts.length < 6) return faulty('origin', 0);
  // RFC 8866 §5.2 forbids spaces in a user name; some put the person's name there.
  const username = unwords(parts.slice(0, -5));
  const [sessionId = EMPTY, version = EMPTY, netType, addressType, address = EMPTY] = parts.slice(-5);
  if (!isDigits(sessionId) || !isDigits(version))
    return faulty('a numeric session id and version', username.length + 1);
  const family = familyOf(netType, addressType);
  if (family === undefined) return faulty('IN IP4 or IN IP6 address', 0);
  if (!isHost(address)) return faulty('address', value.indexOf(address));
  return parsed({ username, sessionId, version, family, address });
}

export function formatOrigin({ username, sessionId, version, family, address }: Origin): Octets {
  return octets`${username} ${sessionId} ${version} IN IP${family} ${address}`;
}

export function parseConnection(value: Octets): Parsed<Connection> {
  const [netType, addressType, target, ...rest] = words(value);
  const family = familyOf(netType, addressType);
  if (family === undefined || target === undefined || rest.length > 0) return faulty('IN IP4 or IN IP6 address', 0);
  const slash = target.indexOf('/');
  const address = slash < 0 ? target : slice(target, 0, slash);
  if (!isHost(address)) return faulty('address', value.indexOf(target));
  return parsed(slash < 0 ? { family, address } : { family, address, suffix: slice(target, slash) });
}

export function formatConnection({ family, address, suffix }: Connection): Octets {
  return octets`IN IP${family} ${address}${suffix ?? ('' as Octets)}`;
}

export function parseMediaLine(value: Octets): Parsed<MediaLine> {
  const [kind, ports, protocol, ...formats] = words(value);
  if (kind === undefined || ports === undefined || protocol === undefined) return faulty('media port protocol', 0);
  const match = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(ports);
  const port = Number(match?.[1]);
  if (!match || port > 65_535) return faulty('port', kind.length + 1);
  // Some leave the formats out of a stream they refuse.
  if (formats.length === 0 && port !== 0) return faulty('format', value.length);
  if (formats.length > MAX_FORMATS) return faulty(`at most ${MAX_FORMATS} formats`, 0);
  const line = { kind, port, protocol, formats };
  return parsed(match[2] === undefined ? line : { ...line, portCount: Number(match[2]) });
}

export function formatMediaLine({ kind, port, portCount, protocol, formats }: MediaLine): Octets {
  const ports = portCount === undefined ? octets`${port}` : octets`${port}/${portCount}`;
  return unwords([kind, ports, protocol, ...formats]);
}

/** The family of an IP address as hosts give it, for the lines we write. */
export const familyOfAddress = (address: string): Family => (address.includes(':') ? 6 : 4);

/** The addresses that stand for "do not send" (RFC 3264 §8.4; the IPv6 form by analogy). */
export const isNullAddress = (address: string): boolean => address === '0.0.0.0' || /^[0:]+$/.test(address);

export const isDigits = (text: Octets): boolean => /^\d{1,20}$/.test(text);

function familyOf(netType: Octets | undefined, addressType: Octets | undefined): Family | undefined {
  if (netType === undefined || addressType === undefined || lowerAscii(netType) !== 'in') return undefined;
  const type = lowerAscii(addressType);
  return type === 'ip4' ? 4 : type === 'ip6' ? 6 : undefined;
}

/** An IP address or a host name; whether a name resolves is not asked here. */
function isHost(text: Octets): boolean {
  return text.length <= 255 && /^[A-Za-z0-9.:_-]+$/.test(text);
}
