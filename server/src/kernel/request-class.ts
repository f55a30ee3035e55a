/** The classes overload control knows, most worth keeping first. Decided from the head alone, before anything costs. */
import type { SipRequest } from '@strowger/sip';

export type RequestClass = 'emergency' | 'in-dialog' | 'new' | 'background';

const BACKGROUND = new Set<string>(['REGISTER', 'SUBSCRIBE', 'PUBLISH', 'OPTIONS']);

/** RFC 5031: `urn:service:sos` and its sub-services. */
const EMERGENCY = /^urn:service:sos(?:[.;]|$)/i;

export function classify(request: SipRequest): RequestClass {
  if (EMERGENCY.test(request.uriText)) return 'emergency';
  if (request.toTag !== undefined) return 'in-dialog';
  return BACKGROUND.has(request.method) ? 'background' : 'new';
}
