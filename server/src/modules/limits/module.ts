/**
 * Limits by address: how many new requests a second, how many wrong passwords a minute. Emergency calls and requests
 * within dialogs are never stopped.
 */
import type { Mono } from '@strowger/proto';
import { octets } from '@strowger/proto';
import { networkSet } from '../../config/network.ts';
import { refuse } from '../../kernel/exchange.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { because } from '../../kernel/reason.ts';
import { limits } from './api.ts';
import { Buckets } from './buckets.ts';

/** Addresses that are kept count of; an IPv6 /64 is one, for one host has all of it. */
const ADDRESSES = 100_000;

export const limitsModule: ServerModule = defineModule({
  name: 'limits',
  needs: [],
  offers: [limits],

  setup(context) {
    const { requestsPerSecond, failuresPerMinute } = context.config.limits;
    const requests = new Buckets({ perSecond: requestsPerSecond, burst: requestsPerSecond * 2, cap: ADDRESSES });
    const failures = new Buckets({ perSecond: failuresPerMinute / 60, burst: failuresPerMinute, cap: ADDRESSES });
    for (const [name, buckets] of [
      ['limits.requests', requests],
      ['limits.failures', failures],
    ] as const) {
      const whenFull = 'the address heard of longest ago is forgotten';
      context.bounds.observe({ name, cap: ADDRESSES, whenFull, used: () => buckets.size });
    }
    const trusted = networkSet(context.config.trusted);
    const now = (): Mono => context.clock.now();
    const dropped = context.counters.of('limits_dropped');

    context.screen({
      name: 'limits',
      run({ flow, class: kind }) {
        const { address } = flow.remote;
        if (kind === 'emergency' || kind === 'in-dialog' || trusted.has(address)) return undefined;
        if (failures.isEmpty(address, now())) {
          dropped.value += 1;
          return { kind: 'drop', reason: because('too-many-wrong-passwords') };
        }
        if (requests.take(address, now())) return undefined;
        return refuse(503, because('too-many-requests'), [['Retry-After', octets`2`]]);
      },
    });
    context.provide(limits, {
      failed: (address) => void failures.take(address, now()),
      mayTry: (address) => !failures.isEmpty(address, now()),
    });
  },
});
