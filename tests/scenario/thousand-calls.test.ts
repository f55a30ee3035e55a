/**
 * A thousand calls over a network that loses one packet in five, each a whole run of its own: `SEEDS=100000` for more,
 * `SEED=42` for one with its ladder; `npm run simulate` does the same without a test around it.
 */
import assert from 'node:assert/strict';
import { env } from 'node:process';
import { suite, test } from 'node:test';
import { drill } from './support/drill.ts';
import { formatReport, simulate } from './support/simulation.ts';

const one = env.SEED === undefined ? undefined : Number(env.SEED);
const seeds = one === undefined ? Number(env.SEEDS ?? 1000) : 1;

suite('register, call, talk, hold, resume and hang up at 20 % loss, with duplicates and reordering', () => {
  test(`RFC 3261 §17: ${seeds} seeds: both ends agree, every transaction, dialog, bridge and port is accounted for`, async (t) => {
    const report = await simulate({ first: one ?? 1, count: seeds, show: one !== undefined });
    t.diagnostic(formatReport(report));
    assert.equal(report.failed.length, 0, report.failures());
    // Loss may end a call otherwise; a server that ended most of them so would be no exchange.
    const asPlanned = report.fates.get('hung-up') ?? 0;
    assert.ok(asPlanned >= seeds * 0.95, `${asPlanned} of ${seeds} calls went as planned`);
  });

  test('ARCHITECTURE law 1: a seed replays bit for bit', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const [first, second] = [await drill(seed), await drill(seed)];
      assert.equal(second.hash, first.hash, `seed ${seed} took another course`);
    }
  });

  test('another seed is another run', async () => {
    const hashes = new Set([(await drill(1)).hash, (await drill(2)).hash, (await drill(3)).hash]);
    assert.equal(hashes.size, 3);
  });
});
