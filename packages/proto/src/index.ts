export * from './address.ts';
export * from './fault.ts';
export * from './octets.ts';
export * from './random.ts';
export * from './redact.ts';
export * from './time.ts';
export * from './timer-wheel.ts';
