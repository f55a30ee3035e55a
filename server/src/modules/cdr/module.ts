/** Call detail records: each ended call is written down, and what cannot be written yet is kept until it can. */
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { calls } from '../calls/api.ts';
import { rowOf } from './row.ts';
import { cdrStore } from './store.ts';
import { RecordWriter } from './writer.ts';

const MOST_WAITING = 100_000;

export const cdrModule: ServerModule = defineModule({
  name: 'cdr',
  needs: [calls],
  offers: [],

  setup(context) {
    const store = context.store(cdrStore);
    const writer = new RecordWriter({
      context,
      space: context.space('unwritten'),
      write: ({ tenant, row }) => store.insert(tenant, row),
      cap: MOST_WAITING,
    });
    context.bounds.observe({
      name: 'cdr.unwritten',
      cap: MOST_WAITING,
      whenFull: 'records are lost, each counted and logged',
      used: () => writer.size,
    });
    context.use(calls).onEnded((call) => writer.add(call.id, { tenant: call.tenant, row: rowOf(call) }));
    context.onReady(() => writer.pump());
  },
});
