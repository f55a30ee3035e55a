/** Events that every reader has had a week to read are forgotten: at the start, and once a day. */
import { asWall, type Clock } from '@strowger/proto';
import { errorFields, type Log } from '../kernel/log.ts';
import type { StoreClient } from '../storage/define-store.ts';
import type { outboxStore } from '../storage/outbox.ts';

type Outbox = StoreClient<typeof outboxStore>;

const DAY = 86_400_000;
const KEEP = 7 * DAY;

/** Forgets them in pieces, so that nobody waits long for the database; says how many went. */
export async function forgetEvents(outbox: Outbox, { wall }: Pick<Clock, 'wall'>): Promise<number> {
  const before = asWall(wall() - KEEP);
  let gone = 0;
  for (let some = -1; some !== 0; gone += some) some = await outbox.system.prune(before);
  return gone;
}

/** Returns how to stop it. What fails is tried again the next day. */
export function forgetEventsDaily(outbox: Outbox, clock: Pick<Clock, 'wall'>, log: Log): () => void {
  const run = (): void => {
    forgetEvents(outbox, clock).then(
      (events) => log.debug('events-forgotten', { events }),
      (error: unknown) => log.warn('events-not-forgotten', errorFields(error)),
    );
  };
  run();
  const timer = setInterval(run, DAY);
  timer.unref();
  return () => clearInterval(timer);
}
