/** A call as plain data, and as it can be gone on with in another process: what was on its way then is lost, what was agreed is not. */
import type { Wall } from '@strowger/proto';
import { snapshotCall } from '@strowger/sip/ua';
import type { CallSnapshot, LegSnapshot, LiveCall } from './live-call.ts';

export function snapshotOf({ facts, coupling, legs, places, described }: LiveCall, at: Wall): CallSnapshot {
  const saved: LegSnapshot[] = [];
  for (const [id, { principal, call }] of legs) {
    const place = places.get(id);
    if (place) saved.push({ id, principal: plain(principal), place, call: snapshotCall(call) ?? call });
  }
  return { facts, coupling, legs: saved, at, described };
}

/** Rights are a set, which JSON has not; whoever reads it back gives them anew. */
function plain(principal: LegSnapshot['principal']): LegSnapshot['principal'] {
  return 'rights' in principal ? { ...principal, rights: new Set() } : principal;
}
