/** Bodies that a call cannot be made of (RFC 3261 §8.2.3): said with what could be, before anybody's phone rings. */
import { lowerAscii, octets } from '@strowger/proto';
import { mediaType } from '@strowger/sdp';
import {
  accept,
  acceptEncoding,
  contentDisposition,
  contentEncoding,
  contentType,
  param,
  type SipRequest,
} from '@strowger/sip';
import type { Answer } from '../../kernel/exchange.ts';
import { because } from '../../kernel/reason.ts';

const DESCRIPTION = octets`application/sdp`;
const TYPES = octets`application/sdp, multipart/mixed, multipart/alternative, multipart/related`;

/** A 415 with what is taken, or `undefined` where there is no body, one that may be ignored, or one to try. */
export function refuseBody(request: SipRequest): Answer | undefined {
  if (request.body === '' || mayBeIgnored(request)) return undefined;
  if (request.getAll(contentEncoding).some((coding) => lowerAscii(coding) !== 'identity')) {
    const fields = [[acceptEncoding.name, octets`identity`]] as const;
    return { status: 415, reason: because('content-encoding-unknown'), fields };
  }
  const type = mediaType(request.raw(contentType) ?? DESCRIPTION);
  if (type === DESCRIPTION || type.startsWith('multipart/')) return undefined;
  return { status: 415, reason: because('content-type-unknown'), fields: [[accept.name, TYPES]] };
}

/** RFC 3261 §20.11: `handling=optional`. */
function mayBeIgnored(request: SipRequest): boolean {
  const disposition = request.get(contentDisposition);
  return disposition !== undefined && lowerAscii(param(disposition.params, 'handling') ?? octets``) === 'optional';
}
