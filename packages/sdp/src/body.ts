/** Finding the description in a message's body: `application/sdp`, or a part of a multipart (RFC 2046 §5.1, RFC 5621). */
import { EMPTY, faulty, lowerAscii, type Octets, octets, type Parsed, parsed, slice, trimLws } from '@strowger/proto';

/** A description and where it stands in the body. */
export interface FoundSdp {
  readonly text: Octets;
  readonly start: number;
  readonly end: number;
}

const SDP = octets`application/sdp`;

/** Parts within parts are followed so far; what is deeper is somebody's game. */
const MAX_DEPTH = 3;
const MAX_PARTS = 32;

/**
 * The description of a body; `undefined` when it holds none, a fault when it says multipart and is not, or when it may
 * hold two: what a relay rewrites must be what the phone behind it reads, whichever part that chooses.
 * `contentType` is the field's value; a body without one has no description.
 */
export function findSdp(contentType: Octets | undefined, body: Octets): Parsed<FoundSdp | undefined> {
  if (contentType === undefined) return parsed(undefined);
  const found = find(contentType, body, 0, body.length, 1);
  if (!found.ok || found.value === undefined || mediaType(contentType) === SDP) return found;
  const elsewhere = replaceSdp(body, found.value, EMPTY);
  const named = lowerAscii(elsewhere);
  const second = named.indexOf(SDP, named.indexOf(SDP) + 1);
  return second < 0 ? found : faulty('one description', second);
}

/** The body with another description in the found one's place; the other parts stay byte for byte. */
export function replaceSdp(body: Octets, { start, end }: FoundSdp, text: Octets): Octets {
  return (body.slice(0, start) + text + body.slice(end)) as Octets;
}

/** `type/subtype` of a Content-Type value, lower-cased, without its parameters. */
export function mediaType(contentType: Octets): Octets {
  const semicolon = contentType.indexOf(';');
  return lowerAscii(trimLws(semicolon < 0 ? contentType : slice(contentType, 0, semicolon)));
}

function find(type: Octets, body: Octets, start: number, end: number, depth: number): Parsed<FoundSdp | undefined> {
  const name = mediaType(type);
  if (name === SDP) {
    return parsed(start === end ? undefined : { text: slice(body, start, end), start, end });
  }
  if (!name.startsWith('multipart/') || depth > MAX_DEPTH) return parsed(undefined);
  const boundary = boundaryOf(type);
  if (boundary === undefined) return faulty('boundary parameter', 0);
  const parts = cut(body, start, end, boundary);
  if (!parts.ok) return parts;
  for (const [from, to] of parts.value) {
    const part = readPart(body, from, to);
    const found: Parsed<FoundSdp | undefined> = part
      ? find(part.type, body, part.start, to, depth + 1)
      : parsed(undefined);
    if (!found.ok || found.value) return found;
  }
  return parsed(undefined);
}

/** The ranges between the delimiter lines. A delimiter's line break is part of the delimiter. */
function cut(body: Octets, start: number, end: number, boundary: Octets): Parsed<(readonly [number, number])[]> {
  const dashes = `--${boundary}`;
  const parts: (readonly [number, number])[] = [];
  let open = -1;
  for (let at = body.indexOf(dashes, start); at >= 0 && at < end; at = body.indexOf(dashes, at + dashes.length)) {
    if (at !== start && body[at - 1] !== '\n') continue;
    const after = at + dashes.length;
    const closing = body.startsWith('--', after);
    const feed = body.indexOf('\n', after);
    const rest = trimLws(slice(body, closing ? after + 2 : after, feed < 0 ? end : feed));
    if (rest !== '') continue;
    if (open >= 0) parts.push([open, Math.max(open, breakBefore(body, at))]);
    if (closing) return parsed(parts);
    if (parts.length >= MAX_PARTS) return faulty(`at most ${MAX_PARTS} parts`, at);
    if (feed < 0) break;
    open = feed + 1;
  }
  return faulty('closing boundary', end);
}

function breakBefore(body: Octets, at: number): number {
  return body[at - 2] === '\r' ? at - 2 : at - 1;
}

function readPart(body: Octets, start: number, end: number): { type: Octets; start: number } | undefined {
  let type = 'text/plain' as Octets;
  for (let at = start; at < end; ) {
    const feed = body.indexOf('\n', at);
    if (feed < 0 || feed >= end) return undefined;
    const line = trimLws(slice(body, at, feed));
    at = feed + 1;
    if (line === '') return { type, start: at };
    const colon = line.indexOf(':');
    if (lowerAscii(trimLws(slice(line, 0, Math.max(colon, 0)))) === 'content-type')
      type = trimLws(slice(line, colon + 1));
  }
  return undefined;
}

/** RFC 2046 §5.1.1: 1 to 70 characters, bare or quoted. */
function boundaryOf(type: Octets): Octets | undefined {
  const match = /;[ \t]*boundary[ \t]*=[ \t]*(?:"([^"\\\r\n]{1,70})"|([^" \t;,\r\n]{1,70}))[ \t]*(?:;|$)/i.exec(type);
  return (match?.[1] ?? match?.[2]) as Octets | undefined;
}
