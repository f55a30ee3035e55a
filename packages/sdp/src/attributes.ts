/** The attributes that are understood so far; all others travel as they are. Values come without `a=name:`. */
import { faulty, type Octets, octets, type Parsed, parsed, slice } from '@strowger/proto';
import { type Connection, formatConnection, parseConnection } from './fields.ts';
import { words } from './lines.ts';

/** `a=name` or `a=name:value`. */
export interface Attribute {
  readonly name: Octets;
  readonly value?: Octets;
}

/** `a=rtpmap`, RFC 8866 §6.6. */
export interface Rtpmap {
  readonly payloadType: number;
  /** Letters of either case mean the same (RFC 4855 §3). */
  readonly encoding: Octets;
  readonly clockRate: number;
  readonly channels?: number;
}

/** `a=fmtp`, RFC 8866 §6.15. What the parameters mean is the codec's affair. */
export interface Fmtp {
  readonly format: Octets;
  readonly parameters: Octets;
}

/** `a=rtcp`, RFC 3605. */
export interface RtcpAttribute {
  readonly port: number;
  readonly connection?: Connection;
}

export function parseAttribute(value: Octets): Attribute {
  const colon = value.indexOf(':');
  return colon < 0 ? { name: value } : { name: slice(value, 0, colon), value: slice(value, colon + 1) };
}

export function formatAttribute({ name, value }: Attribute): Octets {
  return value === undefined ? name : octets`${name}:${value}`;
}

export function parseRtpmap(value: Octets): Parsed<Rtpmap> {
  const match = /^ *(\d{1,3}) +([^/ ]{1,64})\/(\d{1,9})(?:\/(\d{1,3}))? *$/.exec(value);
  if (!match) return faulty('payload-type encoding/clock-rate', 0);
  const payloadType = Number(match[1]);
  if (payloadType > 127) return faulty('a payload type below 128', 0);
  const map = { payloadType, encoding: match[2] as Octets, clockRate: Number(match[3]) };
  return parsed(match[4] === undefined ? map : { ...map, channels: Number(match[4]) });
}

export function formatRtpmap({ payloadType, encoding, clockRate, channels }: Rtpmap): Octets {
  const map = octets`${payloadType} ${encoding}/${clockRate}`;
  return channels === undefined ? map : octets`${map}/${channels}`;
}

export function parseFmtp(value: Octets): Parsed<Fmtp> {
  const space = value.indexOf(' ');
  if (space <= 0) return faulty('format parameters', 0);
  return parsed({ format: slice(value, 0, space), parameters: slice(value, space + 1) });
}

export const formatFmtp = ({ format, parameters }: Fmtp): Octets => octets`${format} ${parameters}`;

/** `a=ptime` and `a=maxptime`, in milliseconds. Fractions are allowed and met (RFC 8866 §6.4). */
export function parsePtime(value: Octets): Parsed<number> {
  const match = /^ *(\d{1,6}(?:\.\d{1,6})?) *$/.exec(value);
  return match ? parsed(Number(match[1])) : faulty('milliseconds', 0);
}

export function parseRtcp(value: Octets): Parsed<RtcpAttribute> {
  const [text = '', ...rest] = words(value);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) return faulty('port', 0);
  if (rest.length === 0) return parsed({ port });
  const connection = parseConnection(rest.join(' ') as Octets);
  return connection.ok ? parsed({ port, connection: connection.value }) : connection;
}

export function formatRtcp({ port, connection }: RtcpAttribute): Octets {
  return connection === undefined ? octets`${port}` : octets`${port} ${formatConnection(connection)}`;
}
