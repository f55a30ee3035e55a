/** `Retry-After`, RFC 3261 §20.33. */
import { EMPTY, type Octets, octets, slice } from '@strowger/proto';
import { BACKSLASH } from '../chars.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import { formatParams, type Params, parseParams } from '../params.ts';
import type { Scanner } from '../scanner.ts';

export interface RetryAfter {
  readonly delta: number;
  /** As written, with its parentheses. */
  readonly comment?: Octets;
  readonly params: Params;
}

const OPEN = 0x28;
const CLOSE = 0x29;

export const retryAfter: HeaderDef<RetryAfter> = defineHeader<RetryAfter>({
  name: 'Retry-After',
  list: false,
  parse(s) {
    const delta = s.uint32();
    s.lws();
    const comment = s.peek() === OPEN ? scanComment(s) : undefined;
    const params = parseParams(s);
    return comment === undefined ? { delta, params } : { delta, comment, params };
  },
  format: ({ delta, comment, params }) =>
    octets`${delta}${comment === undefined ? EMPTY : octets` ${comment}`}${formatParams(params)}`,
});

/** Comments nest, so depth is counted. */
function scanComment(s: Scanner): Octets {
  const start = s.pos;
  let depth = 0;
  for (let pos = start; pos < s.limit; pos += 1) {
    const code = s.text.charCodeAt(pos);
    if (code === BACKSLASH) pos += 1;
    else if (code === OPEN) depth += 1;
    else if (code === CLOSE) depth -= 1;
    if (depth === 0) {
      s.pos = pos + 1;
      return slice(s.text, start, s.pos);
    }
  }
  s.fail('")"');
  return EMPTY;
}
