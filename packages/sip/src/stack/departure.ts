/** How a request leaves: its Via, written last because the size decides the transport (RFC 3261 §18.1.1). */
import type { Destination, Octets } from '@strowger/proto';
import { withTopVia } from '../message/compose.ts';
import { chooseLocal, type Local } from '../transport/local.ts';
import { ourVia } from '../transport/via.ts';
import type { Path } from './events.ts';

/** A larger request is not sent over UDP where there is a choice, the path MTU being unknown. */
export const MAX_UDP_REQUEST = 1300;

export interface Departure extends Path {
  readonly text: Octets;
  /** The same over UDP, for a peer that takes no connections. */
  readonly fallback?: Departure;
}

/** `undefined` when no listener of ours can speak to there. */
export function depart(
  text: Octets,
  target: Destination,
  branch: Octets,
  locals: readonly Local[],
): Departure | undefined {
  const direct = over(text, target, branch, locals);
  // A flow is where the peer is to be reached, whatever the size: behind a NAT nothing else gets there.
  if (target.kind === 'flow' || target.transport !== 'udp') return direct;
  if (direct !== undefined && direct.text.length <= MAX_UDP_REQUEST) return direct;
  const stream = over(text, { ...target, transport: 'tcp' }, branch, locals);
  if (stream === undefined) return direct;
  return direct === undefined ? stream : { ...stream, fallback: direct };
}

function over(text: Octets, to: Destination, branch: Octets, locals: readonly Local[]): Departure | undefined {
  const local = chooseLocal(locals, to);
  return local && { text: withTopVia(text, ourVia(local, to, branch)), to, local };
}
