/** For this folder's tests: two stacks as phones, what they send and what they were told. */
import { type Destination, encode, type Flow, type Octets, octets } from '@strowger/proto';
import { composeRequest, composeResponse, type Field } from '../message/compose.ts';
import type { ClientKey } from '../transaction/client-layer.ts';
import type { StackEvent, StackOptions } from './events.ts';
import { type Node, Wire } from './wire.ts';

export const BOB: Destination = { kind: 'address', transport: 'udp', remote: { address: '192.0.2.2', port: 5060 } };
export const BOB_TCP: Destination = { ...BOB, transport: 'tcp' };

export interface RequestShape {
  readonly seq?: number;
  readonly size?: number;
  readonly fields?: readonly Field[];
  readonly callId?: string;
}

export function requestText(
  method: string,
  { seq = 1, size = 0, fields = [], callId = 'call-1' }: RequestShape = {},
): Octets {
  return composeRequest({
    method: encode(method),
    uri: octets`sip:bob@192.0.2.2`,
    fields: [
      ['Max-Forwards', octets`70`],
      ['From', octets`<sip:alice@192.0.2.1>;tag=a1`],
      ['To', octets`<sip:bob@192.0.2.2>`],
      ['Call-ID', encode(callId)],
      ['CSeq', octets`${seq} ${encode(method)}`],
      ...fields,
    ],
    body: 'x'.repeat(size) as Octets,
  });
}

/** From a phone to bob. */
export function send(
  from: Node,
  wire: Wire,
  method: string,
  target: Destination = BOB,
  shape: RequestShape = {},
): ClientKey {
  return from.stack.request({ method: encode(method), text: requestText(method, shape), target }, 'owner', wire.mono);
}

/** Answers each request with these statuses at once. */
export const answers =
  (node: Node, wire: Wire, ...statuses: readonly number[]) =>
  (event: StackEvent): void => {
    if (event.kind !== 'request') return;
    for (const status of statuses) {
      node.stack.respond(event.key, composeResponse(event.request, status, { toTag: octets`b1` }), wire.mono);
    }
  };

export const told = (node: Node): readonly string[] => node.events.map(tell);

function tell(event: StackEvent): string {
  switch (event.kind) {
    case 'request':
    case 'cancel':
    case 'ack':
      return `${event.kind} ${event.request.method}`;
    case 'response':
      return `response ${event.response.status}`;
    case 'stray':
      return `stray ${event.response.status}`;
    case 'failed':
    case 'server-failed':
      return `${event.kind} ${event.reason}`;
    case 'discarded':
      return `discarded ${event.code}`;
  }
}

export function pair(bobOptions: Partial<StackOptions> = {}): { wire: Wire; alice: Node; bob: Node } {
  const wire = new Wire();
  return { wire, alice: wire.add('alice', '192.0.2.1'), bob: wire.add('bob', '192.0.2.2', bobOptions) };
}

export const flowToBob = (port = 5060): Flow => ({
  transport: 'udp',
  local: { address: '192.0.2.2', port: 5060 },
  remote: { address: '192.0.2.1', port },
});
