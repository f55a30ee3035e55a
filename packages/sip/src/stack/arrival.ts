/** What came in: what it is, whether it is sound, and where it really came from. */
import { EMPTY, type Flow, type Octets, octets } from '@strowger/proto';
import { via } from '../message/headers/via.ts';
import type { SipRequest } from '../message/message.ts';
import { parseMessage } from '../message/parse.ts';
import { splice } from '../message/splice.ts';
import { markReceived } from '../transport/via.ts';

/** The request with `received` and `rport` in its top Via (RFC 3261 §18.2.1, RFC 3581 §4); `undefined` without a Via. */
export function withSource(request: SipRequest, flow: Flow): SipRequest | undefined {
  const top = request.get(via);
  if (top === undefined) return undefined;
  const marked = markReceived(top, flow);
  if (marked === undefined) return request;
  const text = splice(request, [{ op: 'replace', name: 'Via', index: 0, value: via.format(marked) }]);
  const outcome = parseMessage(text);
  return outcome.kind === 'message' && outcome.message.kind === 'request' ? outcome.message : undefined;
}

/**
 * A To tag for answers given without state: the same for each retransmission (RFC 3261 §8.2.7), and not to be guessed
 * by who does not know the secret of this boot.
 */
export function statelessTag(request: SipRequest, secret: readonly [number, number]): Octets {
  const name = (field: string) => request.raw(field) ?? EMPTY;
  const seed = octets`${name('Call-ID')} ${name('CSeq')} ${name('Via')}`;
  const hex = (n: number) => n.toString(16).padStart(8, '0');
  return (hex(fnv1a(seed, secret[0])) + hex(fnv1a(seed, secret[1]))) as Octets;
}

function fnv1a(text: Octets, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
