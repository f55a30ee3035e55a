import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, type Mono, Timed, TimerWheel } from '@strowger/proto';
import { createRandom, createTicker, systemClock, toBuffer, toOctets } from './index.ts';

class Note extends Timed {
  readonly name: string;
  readonly log: string[];
  constructor(name: string, log: string[]) {
    super();
    this.name = name;
    this.log = log;
  }
  onDue(): void {
    this.log.push(this.name);
  }
}

suite('the Node host', () => {
  test('now never goes back, wall is UTC milliseconds', () => {
    const first = systemClock.now();
    assert.ok(systemClock.now() >= first);
    assert.ok(Math.abs(systemClock.wall() - Date.now()) < 1000);
  });

  test('random fills exactly what it is given, small and large, and views into larger memory', () => {
    const random = createRandom();
    for (const size of [0, 1, 8, 1024, 1025, 70_000]) {
      const memory = new Uint8Array(size + 2);
      const view = memory.subarray(1, size + 1);
      assert.equal(random.fill(view), view);
      assert.equal(memory[0], 0);
      assert.equal(memory[size + 1], 0);
    }
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i += 1) seen.add(toOctets(random.fill(new Uint8Array(8))));
    assert.equal(seen.size, 5000);
  });

  test('octets and bytes: all 256 values, there and back', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    assert.deepEqual(new Uint8Array(toBuffer(toOctets(bytes))), bytes);
    assert.equal(toOctets(bytes.subarray(0x41, 0x44)), 'ABC');
  });

  test('the ticker fires each timer at its time, in order, also one that is set earlier than those before it', async () => {
    const wheel = new TimerWheel(systemClock.now());
    const ticker = createTicker(wheel, systemClock);
    const log: string[] = [];
    const start = systemClock.now();
    const at = (ms: number): Mono => asMono(start + ms);
    await new Promise<void>((resolve) => {
      class Last extends Note {
        override onDue(): void {
          super.onDue();
          assert.ok(systemClock.now() >= this.due, 'early');
          resolve();
        }
      }
      wheel.set(new Last('c', log), at(40));
      ticker.poke();
      wheel.set(new Note('b', log), at(20));
      ticker.poke();
      wheel.set(new Note('a', log), at(5));
      ticker.poke();
      const stopped = new Note('never', log);
      wheel.set(stopped, at(10));
      wheel.stop(stopped);
      ticker.poke();
    });
    assert.deepEqual(log, ['a', 'b', 'c']);
    ticker.stop();
  });

  test('a stopped ticker is silent and keeps no process alive', async () => {
    const wheel = new TimerWheel(systemClock.now());
    const ticker = createTicker(wheel, systemClock);
    const log: string[] = [];
    wheel.set(new Note('x', log), asMono(systemClock.now() + 1));
    ticker.poke();
    ticker.stop();
    ticker.poke();
    await new Promise((resolve) => setTimeout(resolve, 15));
    assert.deepEqual(log, []);
  });
});
