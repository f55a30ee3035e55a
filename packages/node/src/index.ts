export * from './bytes.ts';
export * from './clock.ts';
export * from './crypto.ts';
export * from './random.ts';
export * from './ticker.ts';
export * from './turn.ts';
export * from './udp.ts';
