/** The classes overload control knows, most worth keeping first. Decided from the head alone, before anything costs. */
import type { SipRequest } from '@strowger/sip';

export type RequestClass = 'emergency' | 'in-dialog' | 'new' | 'background';

const BACKGROUND = new Set<string>(['REGISTER', 'SUBSCRIBE', 'PUBLISH', 'OPTIONS']);

/** RFC 5031: `urn:service:sos` and its sub-services. */
const EMERGENCY = /^urn:service:sos(?:[.;]|$)/i;

/** `inDialog`: of a dialog that there is. A To tag alone is easily made up, and buys nobody a better place. */
export function classify(request: SipRequest, inDialog: boolean): RequestClass {
  if (inDialog) return 'in-dialog';
  // Calls alone: nothing else is worth letting past every limit, a guess at a password least of all.
  if (request.method === 'INVITE' && EMERGENCY.test(request.uriText)) return 'emergency';
  return BACKGROUND.has(request.method) ? 'background' : 'new';
}
