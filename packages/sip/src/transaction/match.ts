/** How a request finds its server transaction: RFC 3261 §17.2.3. */
import { EMPTY, type Octets, octets } from '@strowger/proto';
import type { SipRequest } from '../message/message.ts';
import { param } from '../message/params.ts';
import { hasMagicCookie } from './token.ts';

/** The peer's name for a request; without the method, for ACK and CANCEL go by the INVITE's. */
export interface Match {
  readonly name: Octets;
  /** RFC 2543: its branch is not unique or absent, and an ACK has to show the To tag of our response. */
  readonly legacy: boolean;
}

export function matchOf(request: SipRequest): Match {
  const { topVia } = request;
  const branch = param(topVia.params, 'branch');
  const port = topVia.port ?? 0;
  if (branch !== undefined && hasMagicCookie(branch)) {
    return { name: octets`${topVia.host}:${port} ${branch}`, legacy: false };
  }
  const { callId, cseq, fromTag } = request;
  const via = octets`${topVia.transport} ${topVia.host}:${port} ${branch ?? EMPTY}`;
  return { name: octets`${via} ${cseq.seq} ${callId} ${fromTag ?? EMPTY} ${request.uriText}`, legacy: true };
}

/** The key in the table. Made of slices of the datagram: what is put there is `own`ed. */
export const matchKey = ({ name }: Match, method: Octets): Octets => octets`${method} ${name}`;
