import { performance } from 'node:perf_hooks';
import { asMono, asWall, type Clock } from '@strowger/proto';

/** The machine's two clocks: `now` counts from this process's start and never jumps, `wall` is UTC and may. */
export const systemClock: Clock = {
  now: () => asMono(performance.now()),
  wall: () => asWall(Date.now()),
};
