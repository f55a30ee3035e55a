import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ALL_RIGHTS } from './principal.ts';
import { because } from './reason.ts';
import { asModule, startRig } from './rig.ts';

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

  test('the stack, what waits to leave and what the journal lacks are listed, and counted', async () => {
    const rig = await startRig({
      modules: [
        asModule((context) => {
          context.authenticate({
            name: 'all',
            run: () => ({ kind: 'network', tenant: 't', network: 'n', proof: 'address', rights: ALL_RIGHTS }),
          });
          context.route({ name: 'r', run: () => ({ kind: 'local', reason: because('here') }) });
          const space = context.space<number>('things');
          context.handle('OPTIONS', () => {
            space.put('a', 1);
            return { status: 200, reason: because('done') };
          });
        }),
      ],
    });
    const used = (): readonly number[] =>
      ['sip.server-transactions', 'sip.client-transactions', 'kernel.departures', 'journal.owed'].map((name) =>
        rig.kernel.bounds.used(name),
      );
    assert.deepEqual(used(), [0, 0, 0, 0]);
    rig.disk.failWith = new Error('full');
    rig.deliver([
      'OPTIONS sip:example.test SIP/2.0',
      'Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKb1',
      'Max-Forwards: 70',
      'From: <sip:1001@example.test>;tag=a1',
      'To: <sip:example.test>',
      'Call-ID: b1',
      'CSeq: 1 OPTIONS',
    ]);
    assert.deepEqual(used(), [1, 0, 1, 1]);
    assert.deepEqual(rig.takeLines(), ['SIP/2.0 200 OK']);
    assert.deepEqual(used(), [1, 0, 0, 1]);
    rig.disk.failWith = undefined;
    rig.kernel.host.journal.flush();
    rig.advance(100_000);
    assert.deepEqual(used(), [0, 0, 0, 0]);
  });
});
