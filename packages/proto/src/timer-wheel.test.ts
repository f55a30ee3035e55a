import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, type Mono, Timed, TimerWheel } from './index.ts';

class Named extends Timed {
  readonly name: string;
  readonly fire: (timer: Named, now: Mono) => void;
  constructor(name: string, fire: (timer: Named, now: Mono) => void) {
    super();
    this.name = name;
    this.fire = fire;
  }
  onDue(now: Mono): void {
    this.fire(this, now);
  }
}

/** A wheel and the log of what fired, as `time name`. */
function rig(start = 0) {
  const log: string[] = [];
  const wheel = new TimerWheel(asMono(start));
  const make = (name: string, then?: (now: Mono) => void) =>
    new Named(name, (timer, now) => {
      log.push(`${now} ${timer.name}`);
      then?.(now);
    });
  return {
    log,
    wheel,
    make,
    set: (name: string, at: number, then?: (now: Mono) => void) => {
      const timer = make(name, then);
      wheel.set(timer, asMono(at));
      return timer;
    },
    /** As a virtual clock does: from deadline to deadline. */
    run(until: number) {
      for (let at = wheel.nextDue(); at !== undefined && at <= until; at = wheel.nextDue()) wheel.advance(at);
      wheel.advance(asMono(until));
    },
  };
}

/** minstd: replayable by seed. */
function lottery(seed: number) {
  let x = seed;
  return (n: number) => {
    x = (x * 48_271) % 0x7fffffff;
    return x % n;
  };
}

suite('timer wheel', () => {
  test('fires at the first advance at or after the deadline, never before it', () => {
    const { log, set, wheel } = rig();
    set('a', 100);
    wheel.advance(asMono(99.5));
    assert.deepEqual(log, []);
    wheel.advance(asMono(100));
    assert.deepEqual(log, ['100 a']);
    assert.equal(wheel.size, 0);
    assert.equal(wheel.nextDue(), undefined);
  });

  test('set for now, in a wheel that ran empty: fires in an advance to that same moment', () => {
    const { log, set, wheel } = rig();
    set('a', 10);
    wheel.advance(asMono(100));
    set('b', 100);
    assert.equal(wheel.nextDue(), 100);
    wheel.advance(asMono(100));
    assert.deepEqual(log, ['100 a', '100 b']);
  });

  test('set for a time that is past: fires in the next advance', () => {
    const { log, set, wheel } = rig(5000);
    set('late', 10);
    wheel.advance(asMono(5000));
    assert.deepEqual(log, ['5000 late']);
  });

  test('in one tick: by deadline, then in order of setting, however late the host comes', () => {
    const { log, set, wheel } = rig();
    set('c', 7);
    set('a1', 3);
    set('b', 5);
    set('a2', 3);
    wheel.advance(asMono(60_000));
    assert.deepEqual(log, ['60000 a1', '60000 a2', '60000 b', '60000 c']);
  });

  test('a timer that an earlier one of its tick stops does not fire, and one that it moves fires at its new time', () => {
    const { log, make, set, wheel } = rig();
    const stopped = make('stopped');
    const moved = make('moved');
    set('first', 1, () => {
      wheel.stop(stopped);
      wheel.set(moved, asMono(6));
    });
    wheel.set(stopped, asMono(2));
    wheel.set(moved, asMono(3));
    set('last', 5);
    wheel.advance(asMono(7));
    assert.deepEqual(log, ['7 first', '7 last', '7 moved']);
    assert.equal(wheel.size, 0);
  });

  test('a timer may set itself again; a chain that is already due runs in the same advance', () => {
    const { log, make, wheel } = rig();
    let left = 3;
    const chain = make('chain', (now) => {
      left -= 1;
      if (left > 0) wheel.set(chain, now);
    });
    wheel.set(chain, asMono(4));
    wheel.advance(asMono(4));
    assert.deepEqual(log, ['4 chain', '4 chain', '4 chain']);
  });

  test('nextDue is exact within two seconds, and never late for what is far', () => {
    const { log, run, set, wheel } = rig(1_000_003);
    set('near', 1_001_234.5);
    assert.equal(wheel.nextDue(), 1_001_234.5);
    set('hour', 1_000_003 + 3_600_000);
    set('month', 1_000_003 + 30 * 86_400_000);
    set('beyond the wheel', 1_000_003 + 1000 * 86_400_000);
    run(1_000_003 + 1001 * 86_400_000);
    assert.deepEqual(log, [
      '1001234.5 near',
      `${1_000_003 + 3_600_000} hour`,
      `${1_000_003 + 30 * 86_400_000} month`,
      `${1_000_003 + 1000 * 86_400_000} beyond the wheel`,
    ]);
  });

  test('stopping the first timer lets nextDue go on to the second', () => {
    const { set, wheel } = rig();
    const first = set('first', 50);
    set('second', 80);
    assert.equal(wheel.nextDue(), 50);
    wheel.stop(first);
    wheel.stop(first);
    assert.equal(first.isSet, false);
    assert.equal(wheel.nextDue(), 80);
  });

  test('a throw leaves the wheel sound: the timers after it fire in the next advance', () => {
    const { log, set, wheel } = rig();
    set('bad', 1, () => {
      throw new Error('bug');
    });
    set('good', 1);
    assert.throws(() => wheel.advance(asMono(2)), /bug/);
    wheel.advance(asMono(2));
    assert.deepEqual(log, ['2 bad', '2 good']);
  });

  test('the wheel does as a sorted list does: random set, move, stop and advance, from milliseconds to years', () => {
    for (let seed = 1; seed <= 300; seed += 1) compareWithModel(seed);
  });

  test('fifty thousand timers for one moment are no harder than fifty thousand for as many', () => {
    const { set, wheel, log } = rig();
    for (let i = 0; i < 50_000; i += 1) set(`${i}`, 500);
    wheel.advance(asMono(500));
    assert.equal(log.length, 50_000);
    assert.equal(log[49_999], '500 49999');
  });
});

/** One run of random operations on a wheel and on a plain list, compared after each. */
function compareWithModel(seed: number): void {
  const draw = lottery(seed);
  const horizons = [20, 3000, 70_000, 40_000_000, 90 * 86_400_000, 500 * 86_400_000];
  let now = draw(2) === 0 ? 0 : draw(0x7ffffff0) * 100;
  const fired: Named[] = [];
  const wheel = new TimerWheel(asMono(now));
  const timers = Array.from({ length: 30 }, (_, i) => new Named(`${i}`, (t) => fired.push(t)));
  const model = new Map<Named, number>();

  for (let step = 0; step < 120; step += 1) {
    const timer = timers[draw(timers.length)];
    const horizon = horizons[draw(horizons.length)] ?? 0;
    const operation = draw(10);
    if (!timer) continue;
    if (operation < 6) {
      const at = now + draw(horizon) + draw(4) / 4;
      wheel.set(timer, asMono(at));
      model.set(timer, at);
    } else if (operation < 8) {
      wheel.stop(timer);
      model.delete(timer);
    } else {
      const next = wheel.nextDue();
      // Half of the time as a host does, to the moment it was told; else to anywhere, as one that was late.
      now = next !== undefined && next > now && draw(2) === 0 ? next : now + draw(horizon);
      fired.length = 0;
      wheel.advance(asMono(now));
      const due = [...model].filter(([, at]) => at <= now).map(([t]) => t);
      assert.deepEqual(new Set(fired), new Set(due), `seed ${seed} step ${step} at ${now}`);
      const ticks = fired.map((t) => Math.floor((model.get(t) ?? 0) / 8));
      assert.deepEqual(
        ticks,
        ticks.toSorted((a, b) => a - b),
        `seed ${seed} step ${step}: order`,
      );
      for (const t of due) model.delete(t);
    }
    assert.equal(wheel.size, model.size, `seed ${seed}`);
    const first = Math.min(...model.values());
    const next = wheel.nextDue();
    assert.ok(
      next === undefined ? model.size === 0 : next <= first,
      `seed ${seed} step ${step}: nextDue ${next} > ${first}`,
    );
    assert.ok(next === undefined || next > Math.min(now, first) - 8, `seed ${seed} step ${step}: nextDue stands still`);
  }
}
