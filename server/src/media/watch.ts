/** What a sweep over the bridges finds: silence, and bridges that nobody will end any more. Decisions only. */
import type { Mono } from '@strowger/proto';
import type { Bridge } from './bridge.ts';
import type { MediaTiming } from './options.ts';
import { LEG_NAMES, type MediaEvent } from './port.ts';

/** Marks streams that became idle and tells of each once. */
export function findSilence(bridge: Bridge, idleAfter: number, now: Mono, tell: (event: MediaEvent) => void): void {
  for (const leg of LEG_NAMES) {
    for (const [index, stream] of bridge.legs[leg].streams.entries()) {
      if (stream.idle || stream.expectedSince === undefined) continue;
      const since = Math.max(stream.expectedSince, stream.relay.received.lastAt ?? 0);
      const silentMs = now - since;
      if (silentMs < idleAfter) continue;
      stream.idle = true;
      tell({ kind: 'idle', bridge: bridge.id, leg, stream: index, silentMs: Math.round(silentMs) });
    }
  }
}

/**
 * A bridge whose signalling is gone goes on as long as there is media, for somebody is talking; but it has no BYE to end
 * it. So: no media for `orphanSilence` (counted at the earliest from the loss of signalling), or `orphanAge` at most.
 */
export function orphanEnd(bridge: Bridge, timing: MediaTiming, now: Mono): 'silent' | 'too-old' | undefined {
  const { orphanedAt } = bridge;
  if (orphanedAt === undefined) return undefined;
  if (now - orphanedAt >= timing.orphanAge) return 'too-old';
  const since = Math.max(orphanedAt, bridge.lastMedia() ?? 0);
  return now - since >= timing.orphanSilence ? 'silent' : undefined;
}
