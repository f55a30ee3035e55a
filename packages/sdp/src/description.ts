/**
 * A session description, RFC 8866, as data: what is understood has a name, everything else is kept in `others`. For
 * forwarding use `rewriteMedia`, which keeps a text byte for byte; this form is for making descriptions and reading them.
 */
import { EMPTY, faulty, type Octets, octets, type Parsed, parsed } from '@strowger/proto';
import { type Attribute, formatAttribute, parseAttribute } from './attributes.ts';
import { DIRECTIONS, type Direction } from './direction.ts';
import {
  type Connection,
  formatConnection,
  formatMediaLine,
  formatOrigin,
  type MediaLine,
  type Origin,
  parseConnection,
  parseMediaLine,
  parseOrigin,
} from './fields.ts';
import { formatSections, lineValue, makeLine, readSections } from './lines.ts';

/** A line that has no field of its own here. */
export interface OtherLine {
  readonly type: Octets;
  readonly value: Octets;
}

export interface SessionDescription {
  readonly origin: Origin;
  /** `-` where the line is missing. */
  readonly name: Octets;
  readonly connection?: Connection;
  readonly attributes: readonly Attribute[];
  /** i, u, e, p, b, t, r, z, k and unknown lines, in their order. */
  readonly others: readonly OtherLine[];
  readonly media: readonly MediaDescription[];
}

export interface MediaDescription extends MediaLine {
  readonly connection?: Connection;
  readonly attributes: readonly Attribute[];
  readonly others: readonly OtherLine[];
}

/** Reads a description; its mistakes are faults, with the offset of the text or of the line's value. */
export function parseSdp(text: Octets): Parsed<SessionDescription> {
  const sections = readSections(text);
  if (!sections.ok) return sections;
  const head = readSection(sections.value.session.slice(1), 'session');
  if (!head.ok) return head;
  const { origin, name = '-' as Octets, ...rest } = head.value;
  if (!origin) return faulty('o=', 0);
  const media: MediaDescription[] = [];
  for (const [first = EMPTY, ...lines] of sections.value.media) {
    const line = parseMediaLine(lineValue(first));
    if (!line.ok) return line;
    const body = readSection(lines, 'media');
    if (!body.ok) return body;
    media.push({ ...line.value, ...body.value });
  }
  return parsed({ origin, name, ...rest, media });
}

/** Writes a description with its lines in the order of RFC 8866 §5. */
export function formatSdp(d: SessionDescription): Octets {
  const others = d.others.some(({ type }) => type === 't') ? d.others : [...d.others, NO_TIME];
  const session = [
    'v=0' as Octets,
    makeLine('o' as Octets, formatOrigin(d.origin)),
    makeLine('s' as Octets, d.name === EMPTY ? ('-' as Octets) : d.name),
    ...sectionLines(d.connection, d.attributes, others),
  ];
  const media = d.media.map((m) => [
    makeLine('m' as Octets, formatMediaLine(m)),
    ...sectionLines(m.connection, m.attributes, m.others),
  ]);
  return formatSections({ session, media });
}

/** The value of the first attribute of this name; empty when it has none, `undefined` when it is not there. */
export function attribute(of: { readonly attributes: readonly Attribute[] }, name: string): Octets | undefined {
  const found = of.attributes.find((a) => a.name === name);
  return found && (found.value ?? EMPTY);
}

/** The direction that holds for a stream: its own, else the session's, else `sendrecv` (RFC 8866 §6.7). */
export function directionOf(media: MediaDescription, session: SessionDescription): Direction {
  return ownDirection(media.attributes) ?? ownDirection(session.attributes) ?? 'sendrecv';
}

/** The same attributes with this direction instead of any they had. */
export function withDirection(attributes: readonly Attribute[], direction: Direction): readonly Attribute[] {
  const left = attributes.filter(({ name }) => !isDirection(name));
  return [...left, { name: direction as string as Octets }];
}

export const isDirection = (name: string): name is Direction => (DIRECTIONS as readonly string[]).includes(name);

const NO_TIME: OtherLine = { type: 't' as Octets, value: '0 0' as Octets };

function ownDirection(attributes: readonly Attribute[]): Direction | undefined {
  for (const { name } of attributes) if (isDirection(name)) return name;
  return undefined;
}

interface Section {
  origin?: Origin;
  name?: Octets;
  connection?: Connection;
  readonly attributes: Attribute[];
  readonly others: OtherLine[];
}

/** `o=` and `s=` mean something in the session's section only. */
function readSection(lines: readonly Octets[], level: 'session' | 'media'): Parsed<Section> {
  const section: Section = { attributes: [], others: [] };
  for (const line of lines) {
    const type = line[0] as Octets;
    const value = lineValue(line);
    if (type === 'a') section.attributes.push(parseAttribute(value));
    else if (type === 's' && level === 'session' && section.name === undefined) section.name = value;
    else if (type === 'c' && section.connection === undefined) {
      const connection = parseConnection(value);
      if (!connection.ok) return connection;
      section.connection = connection.value;
    } else if (type === 'o' && level === 'session') {
      // Two origins would let two readers believe two things.
      const origin: Parsed<Origin> = section.origin ? faulty('one o=', 0) : parseOrigin(value);
      if (!origin.ok) return origin;
      section.origin = origin.value;
    } else section.others.push({ type, value });
  }
  return parsed(section);
}

/** RFC 8866 §5: i u e p before c, then b t r z k, then a; what is unknown goes behind k. */
function sectionLines(
  connection: Connection | undefined,
  attributes: readonly Attribute[],
  others: readonly OtherLine[],
): Octets[] {
  const lines = (types: string) => others.filter(({ type }) => types.includes(type)).map(otherLine);
  return [
    ...lines('iuep'),
    ...(connection ? [makeLine('c' as Octets, formatConnection(connection))] : []),
    ...lines('c'),
    ...lines('b'),
    ...lines('trz'),
    ...lines('k'),
    ...others.filter(({ type }) => !'iuepcbtrzk'.includes(type)).map(otherLine),
    ...attributes.map((a) => octets`a=${formatAttribute(a)}`),
  ];
}

const otherLine = ({ type, value }: OtherLine): Octets => makeLine(type, value);
