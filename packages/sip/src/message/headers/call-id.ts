/** `Call-ID`, RFC 3261 §20.8: `word [ "@" word ]`, compared octet by octet. */
import { EMPTY, type Octets, octets, slice } from '@strowger/proto';
import { AT, WORD } from '../chars.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import type { Scanner } from '../scanner.ts';

export const callId: HeaderDef<Octets> = defineHeader({
  name: 'Call-ID',
  compact: 'i',
  list: false,
  parse: scanCallId,
  format: (value) => value,
});

/** `In-Reply-To`, RFC 3261 §20.21: the Call-IDs that this call returns. */
export const inReplyTo: HeaderDef<Octets> = defineHeader({
  name: 'In-Reply-To',
  list: true,
  parse: scanCallId,
  format: (value) => octets`${value}`,
});

/** Also what Replaces begins with. */
export function scanCallId(s: Scanner): Octets {
  const start = s.pos;
  s.run(WORD, 'a Call-ID');
  if (s.take(AT)) s.run(WORD, 'a word after "@"');
  return s.fault ? EMPTY : slice(s.text, start, s.pos);
}
