/** A call that came to nothing before it began: whom it was for, and why not, stands in the record like any other. */
import { own, type Wall } from '@strowger/proto';
import { type Uri, userText } from '@strowger/sip';
import type { Answer, Exchange } from '../../kernel/exchange.ts';
import type { DirectoryService } from '../directory/api.ts';
import type { EndedCall } from './api.ts';
import { callerOf } from './identity.ts';

/** What a person takes for a failed call; other refusals are between the programs, and most are tried again. */
const SAYS_SO: ReadonlySet<number> = new Set([403, 404, 410, 480, 484, 604]);

/** The record of it; undefined when it was no call that anybody would miss. */
export function refusedCall(
  exchange: Exchange,
  { status, reason }: Answer,
  { id, people, now }: { readonly id: string; readonly people: DirectoryService; readonly now: Wall },
): EndedCall | undefined {
  const { request, principal } = exchange;
  const uri = request.uri;
  if (request.method !== 'INVITE' || principal.kind === 'anonymous' || !SAYS_SO.has(status) || !uri.ok)
    return undefined;
  const number = dialled(uri.value, people);
  if (number === '') return undefined;
  return {
    id,
    tenant: principal.tenant,
    phase: 'ended',
    caller: callerOf(exchange, people).party,
    callee: { kind: 'address', number },
    times: { start: now, end: now },
    callId: own(request.callId),
    end: { by: 'server', cause: 'rejected', status, reason },
    legs: [],
  };
}

/** As the caller would say it: of our own domain the number alone. */
function dialled(uri: Uri, people: DirectoryService): string {
  const user = userText(uri);
  return user === '' || uri.kind !== 'sip' || people.isOurs(uri.host) ? user : `${user}@${uri.host}`;
}
