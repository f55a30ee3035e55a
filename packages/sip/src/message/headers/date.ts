/** `Date`, RFC 3261 §20.17: an RFC 1123 date, always GMT. */
import { asWall, type Octets, type Wall } from '@strowger/proto';
import { defineHeader, type HeaderDef } from '../header.ts';
import type { Scanner } from '../scanner.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const date: HeaderDef<Wall> = defineHeader({
  name: 'Date',
  list: false,
  parse(s) {
    if (!DAYS.includes(s.token())) s.fail('a day of the week');
    s.separator(',');
    const day = s.uint32();
    s.lws();
    const month = MONTHS.indexOf(s.token());
    s.lws();
    const year = s.uint32();
    s.lws();
    const time = scanTime(s);
    s.lws();
    if (s.token() !== 'GMT') s.fail('GMT');
    const midnight = Date.UTC(year, month, day);
    if (month < 0 || day < 1 || day > 31 || year < 1900 || year > 9999) s.fail('a date');
    return asWall(s.fault ? 0 : midnight + time);
  },
  format(at) {
    const d = new Date(at);
    const two = (n: number) => (n < 10 ? `0${n}` : `${n}`);
    const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
    return `${DAYS[d.getUTCDay()]}, ${two(d.getUTCDate())} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()} ${clock} GMT` as Octets;
  },
});

function scanTime(s: Scanner): number {
  const hours = s.uint32();
  s.skip(':');
  const minutes = s.uint32();
  s.skip(':');
  const seconds = s.uint32();
  // 60 is a leap second.
  if (hours > 23 || minutes > 59 || seconds > 60) s.fail('a time of day');
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
