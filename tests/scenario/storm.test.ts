import assert from 'node:assert/strict';
import { env } from 'node:process';
import { suite, test } from 'node:test';
import { type StormResult, storm } from './support/storm.ts';

const one = env.SEED === undefined ? undefined : Number(env.SEED);
const [first, last] = one === undefined ? [1, Number(env.STORMS ?? 50)] : [one, one];

suite('anything at any time, at 60 % loss, with processes killed', () => {
  test(`ARCHITECTURE, Tests ${last - first + 1} storms: when it is over nothing is left, and every call that was answered is recorded, once`, async (t) => {
    const failed: StormResult[] = [];
    let calls = 0;
    let answered = 0;
    for (let seed = first; seed <= last; seed += 1) {
      const result = await storm(seed);
      calls += result.calls;
      answered += result.answered;
      if (result.problems.length > 0) failed.push(result);
    }
    t.diagnostic(`${calls} calls, ${answered} of them answered`);
    const rest = failed.slice(1).map(({ seed, problems }) => `seed ${seed}: ${problems.join('; ')}`);
    assert.equal(failed.length, 0, [failed[0]?.story() ?? '', ...rest].join('\n\n'));
  });

  test('ARCHITECTURE law 1: a storm replays bit for bit', async () => {
    assert.equal((await storm(first)).hash, (await storm(first)).hash);
  });
});
