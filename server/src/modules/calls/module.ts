/** Calls: an INVITE becomes a caller's leg, its callee's phones become forks, and a coupling keeps them together. */

import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { directory } from '../directory/api.ts';
import { location } from '../location/api.ts';
import { calls as callsKey } from './api.ts';
import { Switchboard } from './switchboard.ts';

export const callsModule: ServerModule = defineModule({
  name: 'calls',
  needs: [directory, location],
  offers: [callsKey],

  setup(context) {
    const switchboard = new Switchboard(context, context.use(directory), context.use(location));
    context.handle('INVITE', (exchange) => switchboard.invite(exchange));
    context.onRefused((exchange, answer) => switchboard.refused(exchange, answer));
    // Within a call alone; their owner is the dialog. Standing here they are in Allow.
    for (const method of ['INFO', 'OPTIONS']) context.handle(method, (exchange) => switchboard.outside(exchange));
    context.onReady(() => switchboard.restore());
    context.onStop(() => switchboard.stop());
    context.provide(callsKey, switchboard);
  },
});
