export * from './forward.ts';
export * from './response-context.ts';
