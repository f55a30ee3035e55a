export * from './local.ts';
export * from './reply.ts';
export * from './via.ts';
