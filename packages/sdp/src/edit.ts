/** Edits of one's own descriptions for the offers that follow the first: hold, resume, a new version (RFC 3264 §8). */
import { faulty, type Octets, octets, type Parsed, parsed } from '@strowger/proto';
import { isDirection } from './description.ts';
import { type Direction, holdDirection } from './direction.ts';
import { formatOrigin, isDigits, type Origin, parseOrigin } from './fields.ts';
import { attributeName, formatSections, lineValue, readSections } from './lines.ts';
import { directionOfLines } from './media-of.ts';

/** Gives each stream the direction that `to` says; all other lines stay byte for byte. */
export function setDirection(text: Octets, to: (current: Direction, index: number) => Direction): Parsed<Octets> {
  const sections = readSections(text);
  if (!sections.ok) return sections;
  const { session, media } = sections.value;
  const fallback = directionOfLines(session) ?? 'sendrecv';
  const isDirectionLine = (line: Octets) => isDirection(attributeName(line));
  return parsed(
    formatSections({
      session: session.filter((line) => !isDirectionLine(line)),
      media: media.map((lines, index) => [
        ...lines.filter((line) => !isDirectionLine(line)),
        `a=${to(directionOfLines(lines) ?? fallback, index)}` as Octets,
      ]),
    }),
  );
}

/** The next offer that puts the other side on hold (§8.4), of what one last offered or answered. */
export function holdOffer(text: Octets): Parsed<Octets> {
  return stepped(setDirection(text, holdDirection));
}

/** The next offer that takes the other side off hold. What a stream was before a hold is not to be read from one. */
export function resumeOffer(text: Octets, wanted: Direction = 'sendrecv'): Parsed<Octets> {
  return stepped(setDirection(text, () => wanted));
}

/** The origin of a description. */
export function originOf(text: Octets): Parsed<Origin> {
  const sections = readSections(text);
  if (!sections.ok) return sections;
  const line = sections.value.session.find((l) => l.startsWith('o='));
  return line === undefined ? faulty('o=', 0) : parseOrigin(lineValue(line));
}

/** The same origin for the next, changed description (RFC 3264 §8: one more). Digits, because 64 bits are no number. */
export function nextOrigin(origin: Origin): Origin {
  return { ...origin, version: increment(origin.version) };
}

/** The description with another `o=` line. */
export function withOrigin(text: Octets, origin: Origin): Parsed<Octets> {
  const sections = readSections(text);
  if (!sections.ok) return sections;
  const { session, media } = sections.value;
  const line = octets`o=${formatOrigin(origin)}`;
  return parsed(formatSections({ session: session.map((l) => (l.startsWith('o=') ? line : l)), media }));
}

/** What a leg remembers so that its descriptions, whoever made them, are editions of one session. Plain data. */
export interface OriginStamp {
  readonly origin: Origin;
  /** What was last sent under it. */
  readonly text?: Octets;
}

/** Puts the leg's origin into a description: the same version for the same text, else one more (RFC 3264 §8). */
export function stampOrigin(stamp: OriginStamp, text: Octets): Parsed<{ stamp: OriginStamp; text: Octets }> {
  const same = withOrigin(text, stamp.origin);
  if (!same.ok) return same;
  if (stamp.text === undefined || stamp.text === same.value) {
    return parsed({ stamp: { origin: stamp.origin, text: same.value }, text: same.value });
  }
  const origin = nextOrigin(stamp.origin);
  const next = withOrigin(text, origin);
  return next.ok ? parsed({ stamp: { origin, text: next.value }, text: next.value }) : next;
}

function stepped(text: Parsed<Octets>): Parsed<Octets> {
  if (!text.ok) return text;
  const origin = originOf(text.value);
  return origin.ok ? withOrigin(text.value, nextOrigin(origin.value)) : origin;
}

function increment(digits: Octets): Octets {
  if (!isDigits(digits)) return '1' as Octets;
  // Past 2^53 the last digits count alone; a carry through fifteen nines does not come within any session.
  const head = digits.slice(0, -15);
  const tail = `${Number(digits.slice(-15)) + 1}`;
  return (head === '' ? tail : head + tail.padStart(15, '0')) as Octets;
}
