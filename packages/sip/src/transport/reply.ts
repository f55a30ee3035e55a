/**
 * Where a response goes: RFC 3261 §18.2.2 and RFC 3581 §4. Always to the address that the request came from, never to
 * one that only its Via names: a Via's host, `received` and `maddr` are what the peer says, and a server that believes
 * them throws its answers, which are larger than requests, at whomever an attacker names.
 */
import type { Destination, Flow } from '@strowger/proto';
import type { Via } from '../message/headers/via.ts';
import { hasParam } from '../message/params.ts';
import { viaPort } from './via.ts';

/** The way back: the same connection, or over UDP the source address, from the socket that the request came to. */
export function responseDestination(via: Via, flow: Flow): Destination {
  if (flow.transport !== 'udp') return { kind: 'flow', flow };
  const port = hasParam(via.params, 'rport') ? flow.remote.port : viaPort(via, 'udp');
  if (port === flow.remote.port) return { kind: 'flow', flow };
  return { kind: 'flow', flow: { ...flow, remote: { address: flow.remote.address, port } } };
}

/**
 * When that connection has gone: a new one to the source address and the sent-by's port (§18.2.2). Nobody listens
 * behind a WebSocket.
 */
export function reconnect({ transport, remote }: Flow, port: number): Destination | undefined {
  if (transport !== 'tcp' && transport !== 'tls') return undefined;
  return { kind: 'address', transport, remote: { address: remote.address, port } };
}
