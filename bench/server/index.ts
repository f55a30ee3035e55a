import type { ServerBench } from './load.ts';

/** What is measured of the whole server. */
export const SERVER_BENCHES: readonly ServerBench[] = [
  {
    name: 'REGISTER',
    operation: 'REGISTER, 401, REGISTER with MD5 digest, 200; refreshes of 500 people',
    kind: 'register',
    people: 500,
    window: 20,
    trusted: false,
  },
  {
    name: 'call',
    operation: 'B2BUA call with media anchored: INVITE, 180, 200, ACK, BYE on both legs; caller known by address',
    kind: 'call',
    people: 100,
    window: 20,
    trusted: true,
  },
  {
    name: 'call digest',
    operation: 'the same, the caller answering a 407 first',
    kind: 'call',
    people: 100,
    window: 20,
    trusted: false,
  },
];
