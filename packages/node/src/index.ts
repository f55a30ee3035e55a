export * from './bytes.ts';
export * from './clock.ts';
export * from './random.ts';
export * from './ticker.ts';
export * from './turn.ts';
export * from './udp.ts';
