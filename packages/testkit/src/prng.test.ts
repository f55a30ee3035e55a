import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Prng } from './index.ts';

suite('seeded randomness', () => {
  test('one seed, one sequence; another seed, another', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 8 },
        (
          (p) => () =>
            p.uint32()
        )(new Prng(seed)),
      );
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.notDeepEqual(draw(0), draw(1));
    assert.equal(new Set(draw(0)).size, 8);
  });

  test('a fork does not depend on what its parent has drawn, only on its name and the seed', () => {
    const a = new Prng(1);
    const before = a.fork('link').uint32();
    a.uint32();
    assert.equal(a.fork('link').uint32(), before);
    assert.notEqual(a.fork('kink').uint32(), before);
    assert.notEqual(new Prng(2).fork('link').uint32(), before);
  });

  test('evenly spread: bytes, fractions, choices (within five standard deviations)', () => {
    const prng = new Prng(3);
    const bytes = prng.fill(new Uint8Array(256_000));
    const counts = new Array<number>(256).fill(0);
    for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 5 * Math.sqrt(1000), `${count}`);
    let sum = 0;
    for (let i = 0; i < 100_000; i += 1) sum += prng.fraction();
    assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.005);
    let heads = 0;
    for (let i = 0; i < 10_000; i += 1) if (prng.chance(0.3)) heads += 1;
    assert.ok(Math.abs(heads - 3000) < 250, `${heads}`);
  });

  test('below, between, pick and shuffled keep to their range', () => {
    const prng = new Prng(4);
    const seen = new Set<number>();
    for (let i = 0; i < 200; i += 1) seen.add(prng.below(5));
    assert.deepEqual([...seen].toSorted(), [0, 1, 2, 3, 4]);
    for (let i = 0; i < 100; i += 1) {
      const x = prng.between(-2, 3);
      assert.ok(x >= -2 && x < 3);
    }
    assert.ok(['a', 'b'].includes(prng.pick(['a', 'b'])));
    assert.deepEqual(prng.shuffled([1, 2, 3, 4, 5]).toSorted(), [1, 2, 3, 4, 5]);
  });
});
