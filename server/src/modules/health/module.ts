/** Health: what the server holds and how full each bound is, in `run/health.json`, written anew while it changes. */
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { calls } from '../calls/api.ts';
import { location } from '../location/api.ts';

const EVERY_MS = 1_000;

export const healthModule: ServerModule = defineModule({
  name: 'health',
  needs: [location, calls],
  offers: [],

  setup(context) {
    const locations = context.use(location);
    const switchboard = context.use(calls);
    let last = '';
    const write = (): void => {
      const state = {
        calls: switchboard.size,
        bindings: locations.size,
        ...context.kernelReport(),
        bounds: context.bounds.report(),
        counters: context.counters.report(),
      };
      const text = JSON.stringify(state);
      if (text !== last) context.publish('health', { at: context.clock.wall(), ...state });
      last = text;
      context.after(EVERY_MS, write);
    };
    context.onReady(() => write());
  },
});
