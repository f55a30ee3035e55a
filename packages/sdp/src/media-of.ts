/** What a relay and a trace need to know of a description, read straight from its lines. */
import { faulty, type Octets, type Parsed, parsed } from '@strowger/proto';
import { parseRtcp } from './attributes.ts';
import { isDirection } from './description.ts';
import { type Direction, receives } from './direction.ts';
import { type Connection, type Family, isNullAddress, parseConnection, parseMediaLine } from './fields.ts';
import { attributeName, isAttribute, lineValue, readSections } from './lines.ts';

/** One `m=` line with all that holds for it, wherever in the description it is said. */
export interface MediaView {
  readonly kind: Octets;
  readonly protocol: Octets;
  readonly formats: readonly Octets[];
  /** 0: refused or removed. */
  readonly port: number;
  /** By RFC 3605 or else port + 1; 0 when there is no port, or none above it. With `rtcpMux` it is the fallback. */
  readonly rtcpPort: number;
  readonly family: Family;
  /** The effective address: the stream's own, else the session's. Empty only where the port is 0. */
  readonly address: string;
  /** Where `a=rtcp` names another address than the media's. */
  readonly rtcpAddress?: string;
  readonly direction: Direction;
  readonly rtcpMux: boolean;
}

/** The streams of a description, in order. */
export function mediaOf(text: Octets): Parsed<readonly MediaView[]> {
  const sections = readSections(text);
  if (!sections.ok) return sections;
  const session = connectionOf(sections.value.session);
  if (!session.ok) return session;
  const direction = directionOfLines(sections.value.session) ?? 'sendrecv';
  const views: MediaView[] = [];
  for (const lines of sections.value.media) {
    const view = readView(lines, session.value, direction);
    if (!view.ok) return view;
    views.push(view.value);
  }
  return parsed(views);
}

/** Whether the maker of this description will not listen to a stream (RFC 3264 §8.4, and `c=0.0.0.0` of RFC 2543). */
export function isStreamHeld({ address, direction }: Pick<MediaView, 'address' | 'direction'>): boolean {
  return isNullAddress(address) || !receives(direction);
}

/** Whether a description puts the other side on hold: there are live streams, and it listens to none of them. */
export function isHeld(streams: readonly MediaView[]): boolean {
  const live = streams.filter(({ port }) => port !== 0);
  return live.length > 0 && live.every(isStreamHeld);
}

/** One line a stream, for traces: `audio 192.0.2.1:49170 (rtcp 49171) sendrecv RTP/AVP 0 8 101`. */
export function describeMedia(streams: readonly MediaView[]): string {
  return streams.map(describeStream).join(' · ');
}

/** The connection of a section's first `c=` line, if it has one. */
export function connectionOf(lines: readonly Octets[]): Parsed<Connection | undefined> {
  const line = lines.find((l) => l.startsWith('c='));
  return line === undefined ? parsed(undefined) : parseConnection(lineValue(line));
}

/** The direction a section states, if it does. */
export function directionOfLines(lines: readonly Octets[]): Direction | undefined {
  for (const line of lines) {
    const name = attributeName(line);
    if (isDirection(name)) return name;
  }
  return undefined;
}

function readView(lines: readonly Octets[], session: Connection | undefined, fallback: Direction): Parsed<MediaView> {
  const media = parseMediaLine(lineValue(lines[0] as Octets));
  if (!media.ok) return media;
  const own = connectionOf(lines);
  if (!own.ok) return own;
  const connection = own.value ?? session;
  const { kind, protocol, formats, port } = media.value;
  if (!connection && port !== 0) return faulty('c= for each stream', 0);
  const rtcpLine = port === 0 ? undefined : lines.find((line) => isAttribute(line, 'rtcp') && line[6] === ':');
  const rtcp = rtcpLine === undefined ? undefined : parseRtcp(rtcpLine.slice(7) as Octets);
  if (rtcp && !rtcp.ok) return rtcp;
  const rtcpAddress = rtcp?.value.connection?.address;
  return parsed({
    kind,
    protocol,
    formats,
    port,
    rtcpPort: rtcp?.value.port ?? (port === 0 || port === 65_535 ? 0 : port + 1),
    family: connection?.family ?? 4,
    address: connection?.address ?? '',
    ...(rtcpAddress === undefined || rtcpAddress === connection?.address ? {} : { rtcpAddress }),
    direction: directionOfLines(lines) ?? fallback,
    rtcpMux: lines.some((line) => isAttribute(line, 'rtcp-mux')),
  });
}

function describeStream({ kind, address, family, port, rtcpPort, rtcpMux, direction, protocol, formats }: MediaView) {
  const codecs = formats.length > 12 ? `${formats.slice(0, 12).join(' ')} …` : formats.join(' ');
  if (port === 0) return `${kind} refused ${protocol} ${codecs}`;
  const host = family === 6 ? `[${address}]` : address;
  return `${kind} ${host}:${port} (rtcp ${rtcpMux ? 'mux' : rtcpPort}) ${direction} ${protocol} ${codecs}`;
}
