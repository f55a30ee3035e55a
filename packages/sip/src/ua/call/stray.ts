/** A 2xx for a call that is no more, RFC 3261 §13.2.2.4. */
import type { SipResponse } from '../../message/index.ts';
import { INVITE, turnAway } from './common.ts';
import type { Output } from './words.ts';

/**
 * What to send for a 2xx to an INVITE whose call has ended: ACK and BYE, made of the response alone, so that a phone
 * that answered too late does not sit in a call with nobody. Nothing for any other response.
 */
export function answerStray(response: SipResponse): readonly Output[] {
  const { status, cseq } = response;
  if (cseq.method !== INVITE || status < 200 || status >= 300) return [];
  return turnAway(response)[1];
}
