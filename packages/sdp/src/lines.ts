/**
 * A description as its lines. Read leniently where peers are known to be sloppy (LF alone, blank lines at the end, no
 * line end after the last line) and strictly where sloppiness would let two readers see two descriptions (a bare CR or
 * a NUL in a line). Bounded, and linear in the size of the text.
 */
import { faulty, join, type Octets, octets, type Parsed, parsed, slice } from '@strowger/proto';

/** What a description may have at most. Real ones of browsers reach some 300 lines and a dozen media. */
export const LIMITS = { octets: 131_072, lines: 2048, media: 64 } as const;

/** The lines without their ends: first those of the session, then a list for each `m=` line, which it starts with. */
export interface Sections {
  readonly session: readonly Octets[];
  readonly media: readonly (readonly Octets[])[];
}

/** Cuts a description into its sections. A fault's offset is into the whole text. */
export function readSections(text: Octets): Parsed<Sections> {
  if (text.length > LIMITS.octets) return faulty(`at most ${LIMITS.octets} octets`, LIMITS.octets);
  const session: Octets[] = [];
  const media: Octets[][] = [];
  let current = session;
  let count = 0;
  let blankAt = -1;
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf('\n', at);
    const next = feed < 0 ? text.length : feed + 1;
    let end = feed < 0 ? text.length : feed;
    if (end > at && text.charCodeAt(end - 1) === 0x0d) end -= 1;
    if (end === at) {
      if (blankAt < 0) blankAt = at;
      at = next;
      continue;
    }
    if (blankAt >= 0) return faulty('no blank line before the end', blankAt);
    const line = slice(text, at, end);
    const wrong = lineFault(line);
    if (wrong) return faulty(wrong, at);
    count += 1;
    if (count > LIMITS.lines) return faulty(`at most ${LIMITS.lines} lines`, at);
    if (line.charCodeAt(0) === M) {
      if (media.length === LIMITS.media) return faulty(`at most ${LIMITS.media} media`, at);
      current = [];
      media.push(current);
    }
    current.push(line);
    at = next;
  }
  if (session[0] !== 'v=0') return faulty('v=0', 0);
  return parsed({ session, media });
}

/** The text of the sections, every line ended by CRLF (RFC 8866 §5). */
export function formatSections({ session, media }: Sections): Octets {
  let out = '';
  for (const line of session) out += `${line}\r\n`;
  for (const section of media) for (const line of section) out += `${line}\r\n`;
  return out as Octets;
}

/** Whether a line is an attribute of this name, with a value or without. Names have no two spellings (RFC 8866 §5.13). */
export function isAttribute(line: Octets, name: string): boolean {
  if (!line.startsWith('a=') || !line.startsWith(name, 2)) return false;
  const after = line.charCodeAt(2 + name.length);
  return Number.isNaN(after) || after === COLON;
}

/** The name of an attribute line; empty for another line. */
export function attributeName(line: Octets): Octets {
  if (!line.startsWith('a=')) return '' as Octets;
  const colon = line.indexOf(':');
  return slice(line, 2, colon < 0 ? line.length : colon);
}

/** What stands behind `x=`. */
export const lineValue = (line: Octets): Octets => slice(line, 2);

/** A line of a description, from its letter and its value. */
export const makeLine = (type: Octets, value: Octets): Octets => octets`${type}=${value}`;

/** The words of a value; several spaces count as one, because some write them. */
export function words(value: Octets): Octets[] {
  return value.split(' ').filter((word) => word !== '') as Octets[];
}

/** Words with one space between them. */
export const unwords = (list: readonly Octets[]): Octets => join(list, ' ' as Octets);

const M = 0x6d;
const COLON = 0x3a;

function lineFault(line: Octets): string | undefined {
  const type = line.charCodeAt(0) | 0x20;
  if (type < 0x61 || type > 0x7a || line.charCodeAt(1) !== 0x3d) return 'a letter and =';
  if (line.includes('\r') || line.includes('\0')) return 'no CR or NUL in a line';
  return undefined;
}
