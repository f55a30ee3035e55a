/** `Via`, RFC 3261 §20.42; `rport` and `received`: RFC 3581. */
import { type Octets, octets } from '@strowger/proto';
import { COLON, is, UPPER } from '../chars.ts';
import { defineHeader, type HeaderDef } from '../header.ts';
import { formatParams, type Params, parseParams } from '../params.ts';
import type { Scanner } from '../scanner.ts';
import { scanHost } from '../uri-scan.ts';

export interface Via {
  /** In upper case, whatever came. */
  readonly transport: Octets;
  /** In lower case, IPv6 in brackets. */
  readonly host: Octets;
  readonly port?: number;
  readonly params: Params;
}

export const via: HeaderDef<Via> = defineHeader<Via>({
  name: 'Via',
  compact: 'v',
  list: true,
  parse(s) {
    scanProtocol(s);
    const transport = upperAscii(s.token());
    const before = s.pos;
    s.lws();
    if (s.pos === before) s.fail('white space before sent-by');
    const host = scanHost(s);
    s.lws();
    if (s.peek() !== COLON) return { transport, host, params: parseParams(s) };
    s.pos += 1;
    s.lws();
    const port = s.uint32();
    if (port > 65_535) s.fail('a port below 65536');
    return { transport, host, port, params: parseParams(s) };
  },
  format: ({ transport, host, port, params }) =>
    port === undefined
      ? octets`SIP/2.0/${transport} ${host}${formatParams(params)}`
      : octets`SIP/2.0/${transport} ${host}:${port}${formatParams(params)}`,
});

/** `SIP / 2.0 /`: as nearly all write it in one comparison, else piece by piece. */
function scanProtocol(s: Scanner): void {
  if (s.fault === undefined && s.limit - s.pos > 8 && s.text.startsWith('SIP/2.0/', s.pos)) {
    s.pos += 8;
    s.lws();
    return;
  }
  const name = s.lowerToken();
  s.separator('/');
  const version = s.token();
  s.separator('/');
  if (name !== 'sip' || version !== '2.0') s.fail('SIP/2.0');
}

function upperAscii(token: Octets): Octets {
  for (let i = 0; i < token.length; i += 1) {
    // lint-allow octets-case: a token is ASCII, where the language's own case mapping is right
    if (!is(token.charCodeAt(i), UPPER)) return token.toUpperCase() as Octets;
  }
  return token;
}
