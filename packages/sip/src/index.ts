export * from './errors.ts';
export * from './message/index.ts';
export * from './registry/index.ts';
