export * from './methods.ts';
export * from './responses.ts';
