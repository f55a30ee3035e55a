/** The edits of a proxy on an INVITE it forwards: Request-URI, Max-Forwards, Route, Record-Route, and our Via on top. */
import { toOctets } from '@strowger/node';
import { octets } from '@strowger/proto';
import {
  forwardEdits,
  parseMessage,
  routeInformation,
  type SipRequest,
  splice,
  type Uri,
  withTopVia,
} from '@strowger/sip';
import type { MicroBench } from './bench.ts';
import { INVITE } from './texts.ts';

const TARGET = octets`sip:1002@192.0.2.20:5060;ob`;
const RECORD_ROUTE = octets`<sip:192.0.2.1;lr>`;
const VIA = octets`SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK0000001f00000001a8f05e2c9d3b7146`;
const OURS = { isOwn: (uri: Uri): boolean => uri.kind === 'sip' && uri.host === '192.0.2.1' };

export const spliceBench: MicroBench = {
  name: 'splice',
  operation: 'edits of a forwarding proxy on a parsed INVITE',
  prepare() {
    const outcome = parseMessage(toOctets(Buffer.from(INVITE, 'latin1')));
    if (outcome.kind !== 'message' || outcome.message.kind !== 'request') throw new Error('not a request');
    const request: SipRequest = outcome.message;
    return {
      run(n) {
        let sum = 0;
        for (let i = 0; i < n; i += 1) {
          const info = routeInformation(request, OURS);
          const { edits } = forwardEdits(request, info, { uri: TARGET, recordRoutes: [RECORD_ROUTE] });
          const text = withTopVia(splice(request, edits), VIA);
          // Reading one character makes V8 lay the concatenation out flat, as sending it would.
          sum += text.length + text.charCodeAt(text.length - 1);
        }
        return sum;
      },
    };
  },
};
