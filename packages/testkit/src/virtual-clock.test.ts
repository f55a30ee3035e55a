import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, asWall, later, Timed, TimerWheel } from '@strowger/proto';
import { VirtualClock } from './index.ts';

suite('virtual clock', () => {
  test('events run in order of time, then of asking; time stands still between', () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const note = (name: string) => () => log.push(`${clock.now()} ${name}`);
    clock.after(20, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(10, () => clock.after(0, note('at once')));
    clock.after(15, note('never')).cancel();
    clock.at(asMono(-5), note('past'));
    clock.advance(100);
    assert.deepEqual(log, ['0 past', '10 a', '10 b', '10 at once', '20 c']);
    assert.equal(clock.now(), 100);
  });

  test('the wall goes with it', () => {
    const clock = new VirtualClock({ wall: asWall(1_000_000) });
    clock.advance(2500);
    assert.equal(clock.wall(), 1_002_500);
  });

  test('a heap of events in random order comes out sorted', () => {
    const clock = new VirtualClock();
    const log: number[] = [];
    for (let i = 0; i < 2000; i += 1) clock.after((i * 7919) % 1009, () => log.push(clock.now()));
    clock.advance(2000);
    assert.deepEqual(
      log,
      log.toSorted((a, b) => a - b),
    );
    assert.equal(log.length, 2000);
  });

  test('run: promises settle between events, and what waits for the end of the turn runs after them', async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const work = async (name: string) => {
      clock.endOfEvent(() => log.push(`${name} leaves`));
      for (let i = 0; i < 50; i += 1) await Promise.resolve();
      log.push(`${name} stored`);
    };
    clock.after(1, () => void work('first'));
    clock.after(1, () => void work('second'));
    await clock.run(5);
    assert.deepEqual(log, ['first stored', 'first leaves', 'second stored', 'second leaves']);
  });

  test('until: stops at the event that makes it so, or at the limit', async () => {
    const clock = new VirtualClock();
    let rung = 0;
    const ring = () => {
      rung += 1;
      clock.after(1000, ring);
    };
    ring();
    assert.equal(await clock.until(() => rung === 4), true);
    assert.equal(clock.now(), 3000);
    assert.equal(await clock.until(() => rung === 1000, 5000), false);
    assert.equal(clock.now(), 8000);
  });

  test('an endless loop of events is an error, not a hang', () => {
    const clock = new VirtualClock({ maxEvents: 1000 });
    const again = () => {
      clock.after(0, again);
    };
    again();
    assert.throws(() => clock.advance(1), /no end after 1000 events/);
  });

  test('a ticker drives a wheel to the exact moment, also when an earlier timer is set later', () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock.now());
    const ticker = clock.ticker(wheel);
    const log: string[] = [];
    class Note extends Timed {
      override onDue(): void {
        log.push(`${clock.now()} ${this.due}`);
      }
    }
    for (const ms of [3_600_000, 32_000, 500, 501.5]) {
      wheel.set(new Note(), later(clock.now(), ms));
      ticker.poke();
    }
    clock.advance(32_000);
    assert.deepEqual(log, ['500 500', '501.5 501.5', '32000 32000']);
    ticker.stop();
    clock.advance(10_000_000);
    assert.equal(log.length, 3);
  });
});
