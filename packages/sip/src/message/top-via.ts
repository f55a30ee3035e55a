/** The one edit that nearly every request needs on arrival: its first Via value said anew (RFC 3261 §18.2.1). */
import { type Octets, octets, slice } from '@strowger/proto';
import { END, FIELD, findField, type Head, ID, VALUE_END, VALUE_START } from './head.ts';
import { via } from './headers/via.ts';
import { SipRequest } from './message.ts';

/**
 * The request with another first Via value. Its index is moved along instead of being made anew, so that this costs a
 * fraction of `splice` and `parseMessage`, and what is wrong with the rest of the head is found as it would have been.
 */
export function replaceTopVia(request: SipRequest, value: Octets): SipRequest {
  const { text, head, method, uriText } = request;
  const old = request.raw(via);
  const at = findField(text, head, via.id, via.name, 0);
  const start = head.fields[at + VALUE_START];
  if (at < 0 || old === undefined || start === undefined) return request;
  const moved = octets`${slice(text, 0, start)}${value}${slice(text, start + old.length)}`;
  return new SipRequest(moved, shift(head, at, value.length - old.length), {
    kind: 'request',
    method,
    uriText,
    flaw: head.flaw,
  });
}

/** The index with everything behind the start of the value at `field` moved by `by`. */
function shift(head: Head, field: number, by: number): Head {
  const fields = head.fields.slice();
  for (let i = field; i < fields.length; i += FIELD) {
    for (let j = i === field ? VALUE_END : ID + 1; j <= END; j += 1) fields[i + j] = (fields[i + j] ?? 0) + by;
  }
  return { ...head, end: head.end + by, fields };
}
