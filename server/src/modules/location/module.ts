/** The location service: bindings in memory, each change in the journal before anybody hears of it. */
import { asWall, type Flow, randomHex, type Wall } from '@strowger/proto';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import type { Aor, Binding, LocationService } from './api.ts';
import { location } from './api.ts';

/** What has expired is invisible at once; sweeping only gives its memory back, so many addresses of record at a time. */
const SWEEP_MS = 1_000;
const SWEEP_AORS = 5_000;

export const locationModule: ServerModule = defineModule({
  name: 'location',
  needs: [],
  offers: [location],

  setup(context) {
    const space = context.space<readonly Binding[]>('bindings');
    const cap = context.config.limits.bindings;
    let size = 0;
    context.bounds.observe({
      name: 'location.bindings',
      cap,
      whenFull: 'new registrations are answered 503; those there are can be refreshed',
      used: () => size,
    });
    const byAor = new Map<string, readonly Binding[]>();
    const now = (): Wall => context.clock.wall();
    const boot = randomHex(context.random, 8);

    const store = (key: string, before: number, keep: readonly Binding[]): void => {
      size += keep.length - before;
      if (keep.length === 0) byAor.delete(key);
      else byAor.set(key, keep);
    };

    for (const [key, bindings] of space.load()) {
      const live = bindings.filter((binding) => binding.expiresAt > now());
      if (live.length > 0) store(key, 0, live);
    }
    context.log.info('bindings-loaded', { bindings: size });

    // Goes on where it stopped: a map's iterator sees what was added meanwhile, and minds nothing that was removed.
    let round = byAor.entries();
    const sweep = (): void => {
      const at = now();
      for (let i = 0; i < SWEEP_AORS; i += 1) {
        const { done, value } = round.next();
        if (done) {
          round = byAor.entries();
          break;
        }
        const [key, bindings] = value;
        const kept = live(bindings, at);
        if (kept !== bindings) store(key, bindings.length, kept);
      }
      context.after(SWEEP_MS, sweep);
    };
    context.onReady(() => void context.after(SWEEP_MS, sweep));

    const service: LocationService = {
      boot,
      get size() {
        return size;
      },
      bindings: (aor) => live(byAor.get(keyOf(aor)), now()),
      find: (aor, key) => live(byAor.get(keyOf(aor)), now()).find((binding) => binding.key === key),
      hasRoom: (more) => size + more <= cap,
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
