import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startRig } from './rig.ts';

suite('bounds of the kernel', () => {
  test('there are dialogs enough for the calls that the configuration allows', async () => {
    for (const [calls, dialogs] of [
      [1, 1_000],
      [20_000, 80_000],
      [1_000_000, 4_000_000],
    ]) {
      const { kernel } = await startRig({ config: `domain: example.test\nlimits:\n  calls: ${calls}\n` });
      assert.equal(kernel.bounds.report().find(({ name }) => name === 'kernel.dialogs')?.cap, dialogs);
    }
  });
});
