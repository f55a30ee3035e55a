import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asModule, startRig } from '../../kernel/rig.ts';
import { type CallsService, calls } from '../calls/api.ts';
import { type LocationService, location } from '../location/api.ts';
import { healthModule } from './module.ts';

test('health: what is held and how full each bound is, published while it changes and not otherwise', async () => {
  let live = 1;
  const rig = await startRig({
    modules: [
      asModule(
        (context) => {
          context.provide(location, { size: 7 } as LocationService);
          context.provide(calls, {
            get size() {
              return live;
            },
          } as CallsService);
          context.bounds.declare({ name: 'x.y', cap: 3, whenFull: 'no more' }).take();
        },
        { name: 'around', offers: [location, calls] },
      ),
      healthModule,
    ],
  });
  const health = () => rig.published.get('health') as Record<string, unknown>;
  const first = health();
  assert.deepEqual([first.calls, first.bindings, first.dialogs, first.at], [1, 7, 0, rig.wall]);
  const bounds = first.bounds as readonly { readonly name: string; readonly used: number }[];
  assert.deepEqual(bounds.map(({ name, used }) => [name, used]).at(-1), ['x.y', 1]);
  rig.advance(1000);
  const second = health();
  rig.advance(10_000);
  assert.equal(health(), second, 'the same is not written again');
  live = 2;
  rig.advance(1000);
  assert.deepEqual([health().calls, health().at], [2, rig.wall]);
});
