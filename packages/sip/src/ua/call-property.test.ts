import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, octets } from '@strowger/proto';
import { ANSWER, type BareInput, OFFER, Rig, type Side, sampleCall } from './call/rig.ts';
import { nextDeadline, startOutgoing } from './call.ts';

/** minstd: replayable by seed. */
function dice(seed: number): (n: number) => number {
  let x = (seed * 7919) % 0x7fffffff;
  return (n) => {
    x = (x * 48_271) % 0x7fffffff;
    return x % n;
  };
}

const COMMANDS: readonly BareInput[] = [
  { kind: 'progress', status: 180 },
  { kind: 'answer', body: ANSWER },
  { kind: 'answer' },
  { kind: 'reject', status: 486 },
  { kind: 'acknowledge' },
  { kind: 'acknowledge', body: ANSWER },
  { kind: 'offer', body: OFFER },
  { kind: 'offer' },
  { kind: 'offer', body: OFFER, autoAck: true, retryOnGlare: false },
  { kind: 'withdraw' },
  { kind: 'send', method: octets`INFO` },
  { kind: 'send', method: octets`UPDATE`, body: OFFER },
];

/** One call with random commands at random times on both sides, and a hang-up in the end on one of them. */
function play(seed: number, carried = false): Rig {
  const roll = dice(seed);
  const loss = [0, 0, 30, 100][roll(4)] ?? 0;
  const rig = new Rig({
    carried,
    delay: () => 1 + roll([20, 400, 3000][roll(3)] ?? 20),
    lose: () => roll(100) < loss,
    onEvent: (side, event, r) => {
      // Whoever is asked answers at some time, mostly.
      if (event.kind === 'request')
        r.at(roll(2000), () => r.input(side, { kind: 'respond', key: event.key, status: 200 }));
    },
  });
  const { body: _, ...offerless } = sampleCall({ seed, ...(roll(2) ? { noAnswer: 1 + roll(60_000) } : {}) });
  const start = roll(3) ? sampleCall({ ...offerless, autoAck: roll(2) === 0 }) : offerless;
  rig.begin(startOutgoing(start, asMono(0)));
  const end = [500, 5000, 40_000][roll(3)] ?? 500;
  const kinds = 1 + roll(COMMANDS.length);
  for (let i = roll(20); i > 0; i -= 1) {
    const side: Side = roll(2) ? 'a' : 'b';
    const command = COMMANDS[roll(kinds)];
    if (command) rig.at(roll(end), () => rig.input(side, command));
  }
  rig.at(roll(end), () => rig.input('b', { kind: 'answer', body: ANSWER }));
  if (roll(3) === 0) rig.at(roll(end), () => rig.input('a', { kind: 'hang-up' }));
  if (roll(3) === 0) rig.at(roll(end), () => rig.input('b', { kind: 'hang-up' }));
  // Long enough after all else for the INVITE to have arrived: a call that rings is ended by nobody but its people.
  const last: Side = roll(2) ? 'a' : 'b';
  rig.at(end + 10_000, () => rig.input(last, { kind: 'hang-up' }));
  // Where no 2xx ever arrives, the caller hears nothing of what the callee does after it.
  if (loss === 100) rig.at(end + 50_000, () => rig.input('a', { kind: 'hang-up' }));
  rig.run(400_000);
  return rig;
}

suite('any order of commands, CANCEL, 2xx, BYE, losses and delays', () => {
  test('everything ends, once, on both sides; every request is answered once; nothing follows the end', () => {
    for (let seed = 1; seed <= 1000; seed += 1) {
      let rig: Rig;
      try {
        rig = play(seed);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
      const about = () => `seed ${seed}\n${rig.log.join('\n')}`;
      for (const side of ['a', 'b'] as const) {
        assert.equal(rig.calls[side].state, 'ended', `${side} lives, ${about()}`);
        assert.equal(nextDeadline(rig.calls[side]), undefined);
        const ends = rig.events[side].filter(({ kind }) => kind === 'ended').length;
        assert.equal(ends, 1, `${side} ended ${ends} times, ${about()}`);
      }
      for (const { request, final, side } of rig.servers.values()) {
        assert.notEqual(final, undefined, `${side} owes an answer to ${request.method}, ${about()}`);
      }
    }
  });

  test('both ends agree on the fate: an answered call is one that the other side answered', () => {
    for (let seed = 1; seed <= 1000; seed += 1) {
      const rig = play(seed);
      const about = `seed ${seed}\n${rig.log.join('\n')}`;
      const causes = { a: endOf(rig, 'a'), b: endOf(rig, 'b') };
      if (causes.a.cause === 'rejected') assert.equal(causes.b.cause, 'rejected', about);
      if (causes.b.cause === 'cancelled') assert.match(causes.a.cause, /cancelled|no-answer/, about);
      const acknowledged = rig.events.b.some((event) => event.kind === 'acknowledged' && event.first);
      const answered = rig.events.a.some(({ kind }) => kind === 'answered');
      if (acknowledged && !answered) assert.match(causes.a.cause, /cancelled|no-answer/, about);
      // Once the caller has heard of the answer, nobody calls the call cancelled or rejected.
      if (answered) for (const { cause } of Object.values(causes)) assert.match(cause, /hung-up|lost|no-ack/, about);
    }
  });

  test('plain data: a call carried over as JSON after every step does the same', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      assert.deepEqual(play(seed, true).log, play(seed).log, `seed ${seed}`);
    }
  });
});

function endOf(rig: Rig, side: Side): { readonly cause: string } {
  const event = rig.events[side].find(({ kind }) => kind === 'ended');
  return event?.kind === 'ended' ? event : { cause: 'none' };
}
