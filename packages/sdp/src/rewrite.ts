/**
 * A relay's edit of a description: each stream's address and ports become the relay's, what would lead around it goes
 * (ICE, RFC 8839, and its like), and every other line stays byte for byte and in its place. Line ends become CRLF.
 *
 * An address that says "do not send" (0.0.0.0, `::`) says so on the other side as well: a hold of RFC 2543 stays one.
 */
import { encode, faulty, type Octets, octets, type Parsed, parsed } from '@strowger/proto';
import {
  type Connection,
  familyOfAddress,
  formatConnection,
  formatOrigin,
  isNullAddress,
  type MediaLine,
  type Origin,
  parseMediaLine,
} from './fields.ts';
import { attributeName, formatSections, isAttribute, lineValue, readSections } from './lines.ts';
import { connectionOf } from './media-of.ts';

/** Where one stream is to go from now on: the relay's address and ports towards the reader. */
export interface StreamTarget {
  readonly address: string;
  readonly port: number;
  readonly rtcpPort: number;
}

export interface RewriteOptions {
  /** One for each `m=` line, in order. `null`, or none, refuses the stream (port 0): nothing leads past the relay. */
  readonly streams: readonly (StreamTarget | null)[];
  /** Stands in for the `o=` line, so that each leg sees one coherent origin whoever is behind it. */
  readonly origin?: Origin;
  /** A relay with a port of its own for RTCP drops the multiplexing that the two ends might agree on (RFC 5761). */
  readonly rtcpMux?: 'keep' | 'drop';
}

/** See the top of the file. Faults only where the description cannot be read. */
export function rewriteMedia(text: Octets, { streams, origin, rtcpMux = 'drop' }: RewriteOptions): Parsed<Octets> {
  const sections = readSections(text);
  if (!sections.ok) return sections;
  const { session, media } = sections.value;
  const sessionConnection = connectionOf(session);
  if (!sessionConnection.ok) return sessionConnection;
  const plans: Plan[] = [];
  for (const [index, lines] of media.entries()) {
    const plan = planStream(lines, sessionConnection.value, streams[index] ?? null);
    if (!plan.ok) return plan;
    plans.push(plan.value);
  }
  const inherited = sessionConnection.value && sessionLevel(plans);
  const anywhere = plans.find((plan) => plan.connection)?.connection;
  const drops = (line: Octets) => leadsAround(line) || (rtcpMux === 'drop' && isRtcpMux(line));
  return parsed(
    formatSections({
      session: rewriteSession(session, inherited ?? anywhere, origin).filter((line) => !drops(line)),
      media: media.map((lines, i) => rewriteStream(lines, plans[i] as Plan, inherited, anywhere, drops)),
    }),
  );
}

/** What is to become of one `m=` section. */
interface Plan {
  readonly line: MediaLine;
  /** Absent: a dead stream, whose ports are 0. */
  readonly target?: StreamTarget;
  /** The stream's effective address afterwards; a dead stream has none of its own. */
  readonly connection?: Connection;
  /** Whether the section has a `c=` of its own. */
  readonly own: boolean;
}

function planStream(
  lines: readonly Octets[],
  session: Connection | undefined,
  target: StreamTarget | null,
): Parsed<Plan> {
  const line = parseMediaLine(lineValue(lines[0] as Octets));
  if (!line.ok) return line;
  const connection = connectionOf(lines);
  if (!connection.ok) return connection;
  const own = connection.value !== undefined;
  if (line.value.port === 0 || !target || target.port === 0) return parsed({ line: line.value, own });
  const before = connection.value ?? session;
  if (!before) return faulty('c= for each stream', 0);
  const family = familyOfAddress(target.address);
  const silent = family === 6 ? '::' : '0.0.0.0';
  const address = encode(isNullAddress(before.address) ? silent : target.address);
  return parsed({ line: line.value, target, connection: { family, address }, own });
}

/** The session's `c=` serves the first live stream that has none of its own; others that differ get one. */
function sessionLevel(plans: readonly Plan[]): Connection | undefined {
  return plans.find(({ own, connection }) => !own && connection)?.connection;
}

function rewriteSession(lines: readonly Octets[], connection: Connection | undefined, origin: Origin | undefined) {
  let done = false;
  return lines.flatMap((line) => {
    if (origin && line.startsWith('o=')) return [octets`o=${formatOrigin(origin)}`];
    if (!line.startsWith('c=') || !connection) return [line];
    if (done) return [];
    done = true;
    return [connectionLine(connection)];
  });
}

function rewriteStream(
  lines: readonly Octets[],
  { line, target, connection, own }: Plan,
  inherited: Connection | undefined,
  anywhere: Connection | undefined,
  drops: (line: Octets) => boolean,
): Octets[] {
  const out = [mediaLine(lines[0] as Octets, line, target?.port ?? 0)];
  const missing = !own && connection && !sameConnection(connection, inherited);
  // A dead stream's address is of no use, but it would tell where the phone is.
  let toWrite = own ? (connection ?? anywhere) : missing ? connection : undefined;
  const rtcp = target ? rtcpLine(target) : undefined;
  let rtcpWritten = false;
  for (const text of lines.slice(1)) {
    if (drops(text)) continue;
    if (text.startsWith('c=')) {
      if (toWrite) out.push(connectionLine(toWrite));
      else if (!anywhere) out.push(text);
      toWrite = undefined;
    } else if (isAttribute(text, 'rtcp')) {
      if (rtcp !== undefined && !rtcpWritten) out.push(rtcp);
      rtcpWritten = true;
    } else {
      // RFC 8866 §5: c= stands behind i= and before all else.
      if (missing && toWrite && !text.startsWith('i=')) {
        out.push(connectionLine(toWrite));
        toWrite = undefined;
      }
      out.push(text);
    }
  }
  if (missing && toWrite) out.push(connectionLine(toWrite));
  if (target && rtcp !== undefined && !rtcpWritten && target.rtcpPort !== target.port + 1) out.push(rtcp);
  return out;
}

/** The `m=` line with another port, all else of it byte for byte. A relay has one port a stream, so a count goes. */
function mediaLine(text: Octets, line: MediaLine, port: number): Octets {
  const at = text.indexOf(' ', text.indexOf(line.kind, 2) + line.kind.length);
  let start = at;
  while (text[start] === ' ') start += 1;
  const end = text.indexOf(' ', start);
  return `${text.slice(0, start)}${port}${text.slice(end)}` as Octets;
}

const connectionLine = (connection: Connection): Octets => octets`c=${formatConnection(connection)}`;

const rtcpLine = ({ rtcpPort }: StreamTarget): Octets | undefined =>
  rtcpPort === 0 ? undefined : octets`a=rtcp:${rtcpPort}`;

const sameConnection = (a: Connection, b: Connection | undefined): boolean =>
  b !== undefined && a.family === b.family && a.address === b.address;

const isRtcpMux = (line: Octets): boolean => isAttribute(line, 'rtcp-mux') || isAttribute(line, 'rtcp-mux-only');

/** ICE (RFC 8839), other addresses to choose from (RFC 6947), and whom to listen to (RFC 4570): not to a relay. */
const AROUND = new Set<string>([
  ...['candidate', 'remote-candidates', 'end-of-candidates', 'ice2'],
  ...['altc', 'source-filter'],
]);

function leadsAround(line: Octets): boolean {
  const name = attributeName(line);
  return name !== '' && (AROUND.has(name) || name.startsWith('ice-'));
}
