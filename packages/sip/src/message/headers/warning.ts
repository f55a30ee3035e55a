/** `Warning`, RFC 3261 §20.43. */
import { type Octets, octets } from '@strowger/proto';
import { VALUE } from '../chars.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import { quoteOctets, unquote } from '../quoted.ts';

export interface Warning {
  readonly code: number;
  /** Host and port, or a pseudonym. */
  readonly agent: Octets;
  /** In UTF-8 octets, unquoted. */
  readonly text: Octets;
}

export const warning: HeaderDef<Warning> = defineHeader<Warning>({
  name: 'Warning',
  list: true,
  parse(s) {
    const code = s.uint32();
    if (code < 100 || code > 999) s.fail('three digits');
    s.lws();
    const agent = s.run(VALUE, 'a host or pseudonym');
    s.lws();
    return { code, agent, text: unquote(s.quoted()) };
  },
  format: ({ code, agent, text }) => octets`${code} ${agent} ${quoteOctets(text)}`,
});
