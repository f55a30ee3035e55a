import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets, Random } from '@strowger/proto';
import { seeded } from './rig.ts';
import { generationOf, MAX_SLOTS, Slots, slotOf } from './slots.ts';
import {
  formatBranch,
  formatToken,
  hasMagicCookie,
  parseBranch,
  parseToken,
  sameRandom,
  TokenSource,
} from './token.ts';

function random(seed: number): Random {
  const next = seeded(seed);
  return {
    fill(into) {
      for (let i = 0; i < into.length; i += 1) into[i] = next(256);
      return into;
    },
  };
}

suite('tokens', () => {
  test('RFC 3261 §8.1.1.7 a branch has the magic cookie and comes back as it was made', () => {
    const source = new TokenSource(random(1), 0xbeef);
    const seen = new Set<string>();
    for (let i = 0; i < 2_000; i += 1) {
      const key = (i * 7_919) % MAX_SLOTS;
      const token = source.make(key + MAX_SLOTS * i, 0xfedcba98);
      const branch = formatBranch(token);
      assert.equal(branch.length, 47);
      assert.ok(branch.startsWith('z9hG4bKbeef'));
      assert.deepEqual(parseBranch(branch), token);
      assert.deepEqual(parseToken(formatToken(token)), token);
      assert.deepEqual([token.slot, token.generation], [slotOf(key), i]);
      seen.add(branch);
    }
    assert.equal(seen.size, 2_000);
  });

  test('RFC 3261 §7.3.1 case does not matter', () => {
    const token = new TokenSource(random(2)).make(0xabcdef % MAX_SLOTS);
    const branch = formatBranch(token);
    assert.deepEqual(parseBranch(branch.toUpperCase() as Octets), token);
    assert.ok(hasMagicCookie('Z9HG4BKx' as Octets));
    assert.ok(!hasMagicCookie('z9hG4b' as Octets));
  });

  test('what is not ours is not taken for ours', () => {
    const branch = formatBranch(new TokenSource(random(3)).make(5));
    for (const other of [
      '',
      'z9hG4bK',
      `${branch}0`,
      branch.slice(0, -1),
      `${branch.slice(0, -1)}g`,
      `x${branch.slice(1)}`,
    ]) {
      assert.equal(parseBranch(other as Octets), undefined, other);
    }
    const source = new TokenSource(random(4));
    assert.ok(!sameRandom(source.make(5), source.make(5)));
  });

  test('a key of what has gone finds nothing, though its slot is taken again', () => {
    const slots = new Slots<{ key: number }>();
    const first = slots.add((key) => ({ key }));
    assert.equal(slots.get(first.key), first);
    slots.remove(first.key);
    slots.remove(first.key);
    const second = slots.add((key) => ({ key }));
    assert.equal(slotOf(second.key), slotOf(first.key));
    assert.equal(generationOf(second.key), generationOf(first.key) + 1);
    assert.equal(slots.get(first.key), undefined);
    assert.equal(slots.get(second.key), second);
    assert.equal(slots.get(12_345), undefined);
    assert.equal(slots.size, 1);
  });
});
