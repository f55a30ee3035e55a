export * as nonInviteClient from './client.ts';
export { type ClientKey, ClientLayer, type ClientTransaction } from './client-layer.ts';
export * as inviteClient from './invite-client.ts';
export * as inviteServer from './invite-server.ts';
export type { ClientInput, ClientOutput, FailureReason, ServerInput, ServerOutput } from './machine.ts';
export * as nonInviteServer from './server.ts';
export { type ServerKey, ServerLayer, type ServerTransaction } from './server-layer.ts';
export { DEFAULT_TIMING, type Timing } from './timing.ts';
export * from './token.ts';
