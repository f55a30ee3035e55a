/** `Timestamp`, RFC 3261 §20.38; copied into a 100 (§8.2.6.1). */
import { EMPTY, type Octets, octets, slice } from '@strowger/proto';
import { DIGIT, is } from '../chars.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import type { Scanner } from '../scanner.ts';

export interface Timestamp {
  /** Decimal seconds as written: the sender alone can make sense of it. */
  readonly value: Octets;
  readonly delay?: Octets;
}

export const timestamp: HeaderDef<Timestamp> = defineHeader<Timestamp>({
  name: 'Timestamp',
  list: false,
  parse(s) {
    const value = decimal(s, true);
    s.lws();
    return s.atEnd ? { value } : { value, delay: decimal(s, false) };
  },
  format: ({ value, delay }) => (delay === undefined ? value : octets`${value} ${delay}`),
});

function decimal(s: Scanner, digitFirst: boolean): Octets {
  const start = s.pos;
  if (digitFirst || s.peek() !== 0x2e) s.run(DIGIT, 'a decimal number');
  if (s.take(0x2e)) while (is(s.peek(), DIGIT)) s.pos += 1;
  return s.fault ? EMPTY : slice(s.text, start, s.pos);
}
