/** The two requests that a hop makes out of another: ACK to a refusal (RFC 3261 §17.1.1.3) and CANCEL (§9.1). */
import { type Octets, octets } from '@strowger/proto';
import { LocalProtocolError } from '../errors.ts';
import { composeRequest, type Field } from '../message/compose.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { parseMessage } from '../message/parse.ts';

export const ACK: Octets = octets`ACK`;
export const CANCEL: Octets = octets`CANCEL`;
export const INVITE: Octets = octets`INVITE`;

/** The ACK for a final response other than 2xx: the INVITE's way, the response's To. */
export function makeAck(invite: Octets, response: SipResponse): Octets {
  const request = reread(invite);
  return derive(request, ACK, response.raw('To') ?? raw(request, 'To'), []);
}

/** The CANCEL of an INVITE; `fields` may say why (RFC 3326). */
export function makeCancel(invite: Octets, fields: readonly Field[]): Octets {
  const request = reread(invite);
  return derive(request, CANCEL, raw(request, 'To'), fields);
}

function derive(request: SipRequest, method: Octets, to: Octets, extra: readonly Field[]): Octets {
  const fields: Field[] = [
    ['Via', raw(request, 'Via')],
    ['Max-Forwards', octets`70`],
    ['From', raw(request, 'From')],
    ['To', to],
    ['Call-ID', raw(request, 'Call-ID')],
    ['CSeq', octets`${request.cseq.seq} ${method}`],
  ];
  // The Route of the INVITE, so that stateless proxies send both the same way.
  for (const route of request.rawAll('Route')) fields.push(['Route', route]);
  fields.push(...extra);
  return composeRequest({ method, uri: request.uriText, fields });
}

/** Our own request, read back. It went out, so it can be read. */
function reread(text: Octets): SipRequest {
  const outcome = parseMessage(text);
  if (outcome.kind === 'message' && outcome.message.kind === 'request') return outcome.message;
  throw new LocalProtocolError('SIP_MESSAGE_INVALID', 'a request of ours cannot be read back');
}

function raw(request: SipRequest, name: string): Octets {
  const value = request.raw(name);
  if (value === undefined) throw new LocalProtocolError('SIP_MESSAGE_INVALID', `a request of ours has no ${name}`);
  return value;
}
