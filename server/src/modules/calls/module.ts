/** Calls: an INVITE becomes a caller's leg, its callee's phones become forks, and a coupling keeps them together. */

import type { SipPort } from '../../kernel/context.ts';
import { type Exchange, refuse } from '../../kernel/exchange.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { because } from '../../kernel/reason.ts';
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
    // A contact that leads back here, directly or round several corners, would ring itself until nothing is left.
    context.screen({
      name: 'loops',
      run: (exchange) => (isOurs(exchange, context.sip) ? refuse(482, because('loop-detected')) : undefined),
    });
    context.handle('INVITE', (exchange) => switchboard.invite(exchange));
    context.onRefused((exchange, answer) => switchboard.refused(exchange, answer));
    // Within a call alone; their owner is the dialog. Standing here they are in Allow.
    for (const method of ['INFO', 'OPTIONS']) context.handle(method, (exchange) => switchboard.outside(exchange));
    context.onReady(() => switchboard.restore());
    context.onStop(() => switchboard.stop());
    context.provide(callsKey, switchboard);
  },
});

/** RFC 3261 §8.2.2.2 in spirit: a leg of ours has it as its own, by Call-ID and From tag. The rest of it is new each time. */
function isOurs({ request }: Exchange, { dialogs }: Pick<SipPort, 'dialogs'>): boolean {
  const { method, callId, fromTag, toTag } = request;
  return (
    method === 'INVITE' && toTag === undefined && fromTag !== undefined && dialogs.find(callId, fromTag) !== undefined
  );
}
