/** The bounds of what the kernel itself keeps, and the stack under it. */
import { MAX_SLOTS, type SipStack } from '@strowger/sip';
import type { ObservedBound } from './bounds.ts';
import type { Departures } from './departures.ts';
import type { ServerHost } from './host.ts';

export function kernelBounds(host: ServerHost, stack: SipStack, departures: Departures): readonly ObservedBound[] {
  const { transactions, bindings, calls } = host.config.limits;
  return [
    {
      name: 'sip.server-transactions',
      cap: transactions,
      whenFull: 'new requests are answered 503',
      used: () => stack.counts().server,
    },
    {
      name: 'sip.client-transactions',
      cap: MAX_SLOTS,
      whenFull:
        'the request fails and the call that made it ends; dialogs and server transactions are full long before',
      used: () => stack.counts().client,
    },
    {
      name: 'kernel.departures',
      // A server transaction may answer, and have one request sent on.
      cap: 2 * transactions,
      whenFull: 'nothing is refused here: all that one turn of the loop made leaves at its end',
      used: () => departures.waiting,
    },
    {
      name: 'journal.owed',
      // What the journal had when it failed, and what has come since: each key once.
      cap: 2 * (bindings + calls),
      whenFull: 'nothing is refused here: bindings, calls and unwritten records have bounds of their own',
      used: () => host.journal.owed,
    },
  ];
}
