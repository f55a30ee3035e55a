/** What must be so after every run: nothing stuck, nothing leaked. */
import { formatLadder } from './ladder.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** Counts of things that should be gone, by what they are; a phone's `leftovers()`, a kernel's report. */
export type Leftovers = Readonly<Record<string, number>>;

/** `alice: 2 clientTransactions`, for each that is not zero. */
export function whatIsLeft(parties: Readonly<Record<string, Leftovers>>): readonly string[] {
  return Object.entries(parties).flatMap(([party, counts]) =>
    Object.entries(counts)
      .filter(([, count]) => count !== 0)
      .map(([what, count]) => `${party}: ${count} ${what}`),
  );
}

/** Throws with the seed and the ladder if anything is left. */
export function assertNothingLeft(network: VirtualNetwork, parties: Readonly<Record<string, Leftovers>>): void {
  const left = whatIsLeft(parties);
  if (left.length > 0) throw new Error(story(network, left.join('\n')));
}

/** For the message of an assertion: what went wrong, the seed that shows it again, and the last of what was sent. */
export function story(network: VirtualNetwork, what: string, last = 60): string {
  return `${what}\nseed ${network.prng.seed}, at ${network.clock.now()} ms\n${formatLadder(network.packets, { last })}`;
}
