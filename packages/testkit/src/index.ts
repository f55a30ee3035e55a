export * from './ladder.ts';
export * from './link.ts';
export * from './prng.ts';
export * from './virtual-clock.ts';
export * from './virtual-host.ts';
export * from './virtual-network.ts';
export * from './virtual-streams.ts';
export * from './virtual-udp.ts';
