import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { VirtualClock, VirtualNetwork } from '@strowger/testkit';
import { LiveCall } from '../../server/src/modules/calls/live-call.ts';
import { ScenarioServer } from './support/server.ts';

/** Counted after a full collection. */
const alive = async (): Promise<number> => {
  await setImmediate();
  return queryObjects(LiveCall, { format: 'count' });
};

suite('calls, what they leave in memory', () => {
  test('a call is let go when it ends, not 64·T1 later with its transactions', async () => {
    const clock = new VirtualClock();
    const network = new VirtualNetwork({ clock, seed: 1, conditions: {} });
    const server = await ScenarioServer.start(network, { people: ['1001', '1002'] });
    const alice = await server.phone('1001');
    const bob = await server.phone('1002', { behaviour: { kind: 'answer', afterMs: 100 } });
    for (const phone of [alice, bob]) phone.register(600);
    assert.ok(await clock.until(() => alice.registered && bob.registered));
    for (let i = 0; i < 5; i += 1) {
      alice.call('1002');
      await clock.run(1_000);
      assert.equal(bob.lastCall?.phase, 'talking');
      assert.equal(await alive(), 1);
      alice.lastCall?.hangUp();
      await clock.run(1_000);
    }
    const { clientTransactions = 0, serverTransactions = 0 } = server.kernel.report();
    assert.ok(clientTransactions >= 5 && serverTransactions >= 10, 'their transactions are still there');
    assert.equal(await alive(), 0);
    await server.close();
  });
});
