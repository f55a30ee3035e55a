export type { ClientKey } from '../transaction/client-layer.ts';
export type { ServerKey } from '../transaction/server-layer.ts';
export type { Local } from '../transport/local.ts';
export { MAX_UDP_REQUEST } from './departure.ts';
export type {
  OutboundRequest,
  Packet,
  PacketTransaction,
  StackCounts,
  StackEvent,
  StackOptions,
} from './events.ts';
export { SipStack } from './stack.ts';
