/** Responses from plain data: a request is answered long after its message is gone (RFC 3261 §8.2.6.2). */
import { EMPTY, type Octets, octets, own } from '@strowger/proto';
import { type Body, withTag } from '../../dialog/request.ts';
import { callId, cseq, type Field, from, recordRoute, type SipRequest, to, via } from '../../message/index.ts';
import { reasonPhrase } from '../../registry/responses.ts';
import type { ReplyHead } from './state.ts';

/** Keeps of a request what its responses repeat, with our tag in To. */
export function replyHead(request: SipRequest, localTag: Octets): ReplyHead {
  const raw = (name: typeof from | typeof to | typeof callId | typeof cseq) => request.raw(name) ?? EMPTY;
  const toValue = request.toTag === undefined ? withTag(raw(to), localTag) : raw(to);
  return {
    lines: own(
      octets`${lines('Via', request.rawAll(via))}From: ${raw(from)}\r\nTo: ${toValue}\r\nCall-ID: ${raw(callId)}\r\nCSeq: ${raw(cseq)}\r\n`,
    ),
    recordRoutes: own(lines('Record-Route', request.rawAll(recordRoute))),
  };
}

/** What a response says beyond the head. */
export interface Reply {
  readonly status: number;
  readonly reason?: Octets;
  readonly contact?: Octets;
  readonly fields?: readonly Field[];
  readonly body?: Body;
}

/** The text of a response. */
export function composeReply(head: ReplyHead, o: Reply): Octets {
  let text = octets`SIP/2.0 ${o.status} ${o.reason ?? reasonPhrase(o.status)}\r\n${head.lines}`;
  // §12.1.1: a response that forms a dialog carries the route and our Contact.
  if (o.status > 100 && o.status < 300) {
    text = octets`${text}${head.recordRoutes}`;
    if (o.contact !== undefined) text = octets`${text}Contact: ${o.contact}\r\n`;
  }
  for (const [name, value] of o.fields ?? []) text = octets`${text}${name as Octets}: ${value}\r\n`;
  if (o.body === undefined) return octets`${text}Content-Length: 0\r\n\r\n`;
  return octets`${text}Content-Type: ${o.body.type}\r\nContent-Length: ${o.body.text.length}\r\n\r\n${o.body.text}`;
}

function lines(name: 'Via' | 'Record-Route', values: readonly Octets[]): Octets {
  let text = '' as Octets;
  for (const value of values) text = octets`${text}${name as Octets}: ${value}\r\n`;
  return text;
}
