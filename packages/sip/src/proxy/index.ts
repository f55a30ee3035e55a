export type { BestResponse, Upstream } from './best-response.ts';
export * from './forward.ts';
export * from './response-context.ts';
