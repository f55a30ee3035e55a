/** The location service: bindings in memory, each change in the journal before anybody hears of it. */
import { asWall, type Flow, randomHex, type Wall } from '@strowger/proto';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import type { Aor, Binding, LocationService } from './api.ts';
import { location } from './api.ts';

/** How often what has expired is swept out: it is invisible at once, this only gives its memory back. */
const SWEEP_MS = 30_000;

export const locationModule: ServerModule = defineModule({
  name: 'location',
  needs: [],
  offers: [location],

  setup(context) {
    const space = context.space<readonly Binding[]>('bindings');
    const bound = context.bounds.declare({
      name: 'location.bindings',
      cap: context.config.limits.bindings,
      whenFull: 'new registrations are answered 503; those there are can be refreshed',
    });
    const byAor = new Map<string, readonly Binding[]>();
    const now = (): Wall => context.clock.wall();
    const boot = randomHex(context.random, 8);

    const store = (key: string, before: number, keep: readonly Binding[]): void => {
      if (keep.length > before) bound.take(keep.length - before);
      else bound.release(before - keep.length);
      if (keep.length === 0) byAor.delete(key);
      else byAor.set(key, keep);
    };

    for (const [key, bindings] of space.load()) {
      const live = bindings.filter((binding) => binding.expiresAt > now());
      if (live.length > 0) store(key, 0, live);
    }
    context.log.info('bindings-loaded', { bindings: bound.used });

    const sweep = (): void => {
      for (const [key, bindings] of byAor) {
        const live = bindings.filter((binding) => binding.expiresAt > now());
        if (live.length < bindings.length) store(key, bindings.length, live);
      }
      context.after(SWEEP_MS, sweep);
    };
    context.onReady(() => void context.after(SWEEP_MS, sweep));

    const service: LocationService = {
      boot,
      get size() {
        return bound.used;
      },
      bindings: (aor) => live(byAor.get(keyOf(aor)), now()),
      find: (aor, key) => live(byAor.get(keyOf(aor)), now()).find((binding) => binding.key === key),
      hasRoom: () => bound.used < bound.spec.cap,
      flowOf: (binding) => flowOf(binding, boot),
      update(aor, decide) {
        const key = keyOf(aor);
        const all = byAor.get(key) ?? [];
        const verdict = decide(all);
        if (!verdict.keep) return verdict;
        store(key, all.length, verdict.keep);
        if (verdict.keep.length === 0) space.delete(key);
        else space.put(key, verdict.keep, lastExpiry(verdict.keep));
        return verdict;
      },
    };
    context.provide(location, service);
  },
});

// A tenant's name holds no space, an extension none either.
const keyOf = ({ tenant, extension }: Aor): string => `${tenant} ${extension}`;

function live(bindings: readonly Binding[] | undefined, now: Wall): readonly Binding[] {
  if (!bindings) return [];
  return bindings.every(({ expiresAt }) => expiresAt > now) ? bindings : bindings.filter((b) => b.expiresAt > now);
}

function lastExpiry(bindings: readonly Binding[]): Wall {
  return bindings.reduce((latest, { expiresAt }) => asWall(Math.max(latest, expiresAt)), asWall(0));
}

/** A connection number means nothing after the boot that gave it: -1 is never live. */
function flowOf({ received }: Binding, boot: string): Flow {
  const { transport, local, remote, connection } = received;
  if (connection === undefined) return { transport, local, remote };
  return { transport, local, remote, connection: received.boot === boot ? connection : -1 };
}
