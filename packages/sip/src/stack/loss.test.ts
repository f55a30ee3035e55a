import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { answers, BOB, pair, send, told } from './phones.ts';
import { seeded } from './wire.ts';

suite('SIP stack over a bad network', () => {
  test('40 % loss, many seeds: each request gets one verdict, each side hears each request once, nothing is left', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const { wire, alice, bob } = pair();
      const chance = seeded(seed);
      wire.lose = () => chance() < 0.4;
      bob.on = (event) => {
        if (event.kind !== 'request') return;
        wire.after(Math.floor(chance() * 600), () =>
          answers(bob, wire, event.request.method === 'INVITE' ? 486 : 200)(event),
        );
      };
      for (let i = 0; i < 6; i += 1) {
        wire.after(i * 300, () => void send(alice, wire, i % 2 === 0 ? 'INVITE' : 'OPTIONS', BOB, { seq: i + 1 }));
      }
      wire.runTo(120_000);
      const verdicts = told(alice).filter((line) => line !== 'response 100');
      assert.equal(verdicts.length, 6, `seed ${seed}: ${told(alice).join('; ')}`);
      const heard = bob.events.flatMap((event) => (event.kind === 'request' ? [event.request.cseq.seq] : []));
      assert.equal(new Set(heard).size, heard.length, `seed ${seed}: ${heard.join(' ')}`);
      assert.deepEqual([alice.stack.counts().client, bob.stack.counts().server], [0, 0], `seed ${seed}`);
      assert.deepEqual([alice.wheel.size, bob.wheel.size], [0, 0], `seed ${seed}`);
    }
  });
});
