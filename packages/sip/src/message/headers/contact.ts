/** `Contact`, RFC 3261 §20.10. */
import type { Octets } from '@strowger/proto';
import { COMMA } from '../chars.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import { formatNameAddr, type NameAddr, parseNameAddr } from '../name-addr.ts';

const STAR = 0x2a;

/** `*` stands alone, and only in a REGISTER that removes all bindings (§10.2.2). */
export const contact: HeaderDef<NameAddr | '*'> = defineHeader<NameAddr | '*'>({
  name: 'Contact',
  compact: 'm',
  list: true,
  parse(s) {
    if (s.peek() !== STAR) return parseNameAddr(s);
    // A display name may begin with an asterisk too; then more than white space follows it.
    const start = s.pos;
    s.pos += 1;
    s.lws();
    if (s.atEnd || s.peek() === COMMA) return '*';
    s.pos = start;
    return parseNameAddr(s);
  },
  format: (value) => (value === '*' ? ('*' as Octets) : formatNameAddr(value)),
});
