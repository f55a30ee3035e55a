/** What came in: where it really came from. */
import type { Flow } from '@strowger/proto';
import { via } from '../message/headers/via.ts';
import type { SipRequest } from '../message/message.ts';
import { replaceTopVia } from '../message/top-via.ts';
import { markReceived } from '../transport/via.ts';

/** The request with `received` and `rport` in its top Via (RFC 3261 §18.2.1, RFC 3581 §4); `undefined` without a Via. */
export function withSource(request: SipRequest, flow: Flow): SipRequest | undefined {
  const top = request.get(via);
  if (top === undefined) return undefined;
  const marked = markReceived(top, flow);
  return marked === undefined ? request : replaceTopVia(request, via.format(marked));
}
