import { Turn } from '@strowger/proto';

/** The turns of Node's event loop. One for all sets of a host, so that they leave together. */
export function createTurn(): Turn {
  // A tick that is queued from a microtask runs when no microtask is left.
  return new Turn((run) => queueMicrotask(() => process.nextTick(run)));
}
