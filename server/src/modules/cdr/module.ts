/** Call detail records: each ended call is written down, and what cannot be written yet is kept until it can. */

import { errorFields } from '../../kernel/log.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { calls, type EndedCall } from '../calls/api.ts';
import { rowOf } from './row.ts';
import { type CdrRow, cdrStore } from './store.ts';

/** How long after a failure to try again. */
const RETRY_MS = 5_000;

export const cdrModule: ServerModule = defineModule({
  name: 'cdr',
  needs: [calls],
  offers: [],

  setup(context) {
    const store = context.store(cdrStore);
    // The journal holds a record until the database has it: a crash between the two loses nothing.
    const space = context.space<{ readonly tenant: string; readonly row: CdrRow }>('unwritten');
    const waiting = new Map(space.load());
    context.bounds.observe({
      name: 'cdr.unwritten',
      cap: 100_000,
      whenFull: 'records are lost, each counted and logged',
      used: () => waiting.size,
    });

    const write = (id: string): Promise<void> => {
      const record = waiting.get(id);
      if (!record) return Promise.resolve();
      return store.insert(record.tenant, record.row).then(
        () => {
          waiting.delete(id);
          space.delete(id);
        },
        (error: unknown) => {
          context.log.error('cdr-not-written', { call: id, retryInMs: RETRY_MS, ...errorFields(error) });
          context.after(RETRY_MS, () => void write(id));
        },
      );
    };
    const take = (call: EndedCall): void => {
      if (waiting.size >= 100_000) {
        context.counters.of('cdr_lost').value += 1;
        context.log.error('cdr-lost', { call: call.id });
        return;
      }
      const record = { tenant: call.tenant, row: rowOf(call) };
      waiting.set(call.id, record);
      space.put(call.id, record);
      void write(call.id);
    };
    context.use(calls).onEnded(take);
    context.onReady(async () => {
      for (const id of [...waiting.keys()]) await write(id);
    });
    context.onStop(async () => {
      for (const id of [...waiting.keys()]) await write(id);
    });
  },
});
