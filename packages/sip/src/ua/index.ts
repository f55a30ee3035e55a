export * from './call.ts';
export * from './register.ts';
export * from './registrar.ts';
