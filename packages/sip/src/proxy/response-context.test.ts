import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, fromBytes, later, type Mono } from '@strowger/proto';
import { parseMessage, type SipResponse } from '../message/index.ts';
import {
  type ContextInput,
  type ContextStep,
  groupByQ,
  nextContextDeadline,
  type ResponseContext,
  startContext,
  stepContext,
  TIMER_C,
} from './response-context.ts';

function response(status: number, ...more: string[]): SipResponse {
  const lines = [
    `SIP/2.0 ${status} X`,
    'Via: SIP/2.0/UDP proxy.test;branch=z9hG4bKp',
    'Via: SIP/2.0/UDP a.test;branch=z9hG4bKa',
    'From: <sip:a@a.test>;tag=1',
    'To: <sip:b@b.test>;tag=2',
    'Call-ID: c1',
    'CSeq: 1 INVITE',
    ...more,
    'Content-Length: 0',
    '',
    '',
  ];
  const outcome = parseMessage(fromBytes(Buffer.from(lines.join('\r\n'))));
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'response');
  return outcome.message;
}

/** Runs a context in virtual time and logs what it does. */
function rig(groups: readonly (readonly string[])[], o: { invite?: boolean; start?: Mono } = {}) {
  const log: string[] = [];
  const texts: string[] = [];
  let now = o.start ?? asMono(0);
  let context: ResponseContext<string>;
  const take = ([next, outputs]: ContextStep<string>) => {
    context = next;
    for (const out of outputs) {
      if (out.kind === 'try') log.push(`try ${out.branch} ${out.target}`);
      else if (out.kind === 'cancel') log.push(`cancel ${out.branch}`);
      else log.push(`${out.kind} ${out.status}`);
      if (out.kind === 'forward') texts.push(out.text);
    }
  };
  take(startContext({ invite: o.invite ?? true, groups }, now));
  type Bare<T> = T extends unknown ? Omit<T, 'now'> : never;
  const input = (i: Bare<ContextInput<string>>) => take(stepContext(context, { ...i, now } as ContextInput<string>));
  return {
    log,
    texts,
    input,
    get state() {
      return context.state;
    },
    get context() {
      return context;
    },
    get now() {
      return now;
    },
    receive: (branch: number, status: number, ...more: string[]) =>
      input({ kind: 'response', branch, response: response(status, ...more) }),
    advanceTo(end: number) {
      for (let at = nextContextDeadline(context); at !== undefined && at <= end; at = nextContextDeadline(context)) {
        now = at;
        input({ kind: 'tick' });
      }
      now = asMono(end);
    },
  };
}

suite('response context', () => {
  test('RFC 3261 §16.7 step 5: 180 and 200 go upstream without our Via; the other branch is cancelled', () => {
    const t = rig([['x', 'y']]);
    t.receive(0, 100);
    t.receive(0, 180);
    t.receive(1, 180);
    t.receive(1, 200);
    t.receive(0, 487);
    assert.deepEqual(t.log, ['try 0 x', 'try 1 y', 'forward 180', 'forward 180', 'forward 200', 'cancel 0']);
    assert.equal(t.state, 'terminated');
    assert.match(t.texts[2] ?? '', /^SIP\/2.0 200 X\r\nVia: SIP\/2.0\/UDP a.test;branch=z9hG4bKa\r\nFrom/);
  });

  test('§16.7 step 5 every 2xx to INVITE goes upstream; of other methods the first final response alone', () => {
    const invite = rig([['x', 'y']]);
    invite.receive(0, 200);
    invite.receive(1, 200);
    invite.receive(1, 200);
    assert.deepEqual(invite.log.slice(2), ['forward 200', 'cancel 1', 'forward 200', 'forward 200']);
    const message = rig([['x', 'y']], { invite: false });
    message.receive(0, 200);
    message.receive(1, 202);
    assert.deepEqual(message.log.slice(2), ['forward 200']);
    assert.equal(message.state, 'terminated');
  });

  test('§16.6 groups by q one after another, the targets of a group at once', () => {
    assert.deepEqual(
      groupByQ(
        [
          ['a', 0.5],
          ['b', 1],
          ['c', 0.5],
        ] as const,
        ([, q]) => q,
      ).map((group) => group.map(([name]) => name)),
      [['b'], ['a', 'c']],
    );
    const t = rig([['x'], ['y', 'z']]);
    t.receive(0, 486);
    t.receive(1, 404);
    t.receive(2, 480);
    assert.deepEqual(t.log, ['try 0 x', 'try 1 y', 'try 2 z', 'forward 486']);
  });

  test('this group has rung long enough: it is cancelled, and the next is tried', () => {
    const t = rig([['x'], ['y']]);
    t.receive(0, 180);
    t.input({ kind: 'advance' });
    t.receive(0, 487);
    t.receive(1, 200);
    assert.deepEqual(t.log, ['try 0 x', 'forward 180', 'cancel 0', 'try 1 y', 'forward 200']);
  });

  test('§16.7 step 5 a 6xx waits for the other branches, stops the search, and wins', () => {
    const t = rig([['x', 'y'], ['z']]);
    t.receive(1, 180);
    t.receive(0, 603);
    t.receive(1, 487);
    assert.deepEqual(t.log.slice(3), ['cancel 1', 'forward 603']);
  });

  test('§16.7 step 5 a 2xx beats a 6xx that came before it', () => {
    const t = rig([['x', 'y']]);
    t.receive(0, 600);
    t.receive(1, 200);
    assert.deepEqual(t.log.slice(2), ['cancel 1', 'forward 200']);
  });

  for (const [statuses, best] of [
    [[404, 302], 302],
    [[500, 404], 404],
    [[404, 407], 407],
    [[486, 484], 484],
    [[408, 486], 486],
    [[487, 404], 404],
    [[501, 603], 603],
  ] as const) {
    test(`§16.7 step 6 best of ${statuses.join(' and ')}: ${best}`, () => {
      const t = rig([['x', 'y']]);
      for (const [branch, status] of statuses.entries()) t.receive(branch, status);
      assert.equal(t.log.at(-1), `forward ${best}`);
    });
  }

  test('§16.7 step 6 a 503 is not passed on: 500', () => {
    const t = rig([['x']]);
    t.receive(0, 503, 'Retry-After: 10');
    assert.deepEqual(t.log.slice(1), ['reply 500']);
  });

  test('§16.7 step 7 the challenges of all branches go with the chosen 401 or 407', () => {
    const t = rig([['x', 'y']]);
    t.receive(0, 401, 'WWW-Authenticate: Digest realm="x", nonce="1"');
    t.receive(1, 407, 'Proxy-Authenticate: Digest realm="y", nonce="2"');
    assert.equal(t.log.at(-1), 'forward 401');
    assert.match(t.texts[0] ?? '', /WWW-Authenticate: Digest realm="x", nonce="1"\r\n/);
    assert.match(t.texts[0] ?? '', /Proxy-Authenticate: Digest realm="y", nonce="2"\r\n/);
  });

  test('§16.9 branches that time out or cannot be reached: 408 and 503, so 408 and 500', () => {
    const silent = rig([['x', 'y']]);
    silent.input({ kind: 'failed', branch: 0, reason: 'timeout' });
    silent.input({ kind: 'failed', branch: 1, reason: 'transport' });
    assert.deepEqual(silent.log.slice(2), ['reply 408']);
    const unreachable = rig([['x']]);
    unreachable.input({ kind: 'failed', branch: 0, reason: 'transport' });
    assert.deepEqual(unreachable.log.slice(1), ['reply 500']);
  });

  test('RFC 4320 §4.2 no 408 to anything but INVITE', () => {
    const t = rig([['x']], { invite: false });
    t.input({ kind: 'failed', branch: 0, reason: 'timeout' });
    assert.deepEqual([t.log, t.state], [['try 0 x'], 'terminated']);
  });

  test('§16.5 nobody to forward to: 480', () => {
    const t = rig([]);
    assert.deepEqual([t.log, t.state], [['reply 480'], 'terminated']);
  });

  test('§16.8 Timer C: each 18x sets it anew; then CANCEL, and 64·T1 later the branch counts as 408', () => {
    const t = rig([['x']]);
    t.advanceTo(100_000);
    t.receive(0, 180);
    t.advanceTo(100_000 + TIMER_C - 1);
    assert.deepEqual(t.log.slice(2), []);
    t.advanceTo(100_000 + TIMER_C);
    assert.deepEqual(t.log.slice(2), ['cancel 0']);
    t.advanceTo(100_000 + TIMER_C + 32_000);
    assert.deepEqual([t.log.slice(2), t.state], [['cancel 0', 'reply 408'], 'terminated']);
  });

  test('§16.10 CANCEL from upstream goes to all branches, and their 487 comes back', () => {
    const t = rig([['x', 'y'], ['z']]);
    t.receive(0, 180);
    t.input({ kind: 'cancel' });
    t.receive(0, 487);
    t.receive(1, 487);
    assert.deepEqual(t.log.slice(3), ['cancel 0', 'cancel 1', 'forward 487']);
    assert.equal(t.state, 'terminated');
  });

  test('§16.10, §9.1 a CANCEL that nobody minds ends all the same', () => {
    const t = rig([['x']]);
    t.input({ kind: 'cancel' });
    t.advanceTo(60_000);
    assert.deepEqual([t.log.slice(1), t.state], [['cancel 0', 'reply 487'], 'terminated']);
  });

  test('§16.5 a redirection that the caller follows takes the place of its branch', () => {
    const t = rig([['x'], ['z']]);
    t.input({ kind: 'redirect', branch: 0, targets: ['y'] });
    t.receive(1, 404);
    t.receive(2, 200);
    assert.deepEqual(t.log, ['try 0 x', 'try 1 y', 'try 2 z', 'forward 200']);
  });

  test('any order of responses, failures, CANCEL and time: one final response, but for 2xx, and it ends', () => {
    for (let seed = 1; seed <= 2000; seed += 1) {
      let x = seed;
      const random = (n: number) => {
        x = (x * 48_271) % 0x7fffffff;
        return x % n;
      };
      const groups = Array.from({ length: random(4) }, () => Array.from({ length: random(4) }, () => 't'));
      const t = rig(groups);
      for (let i = 0; i < 30; i += 1) {
        const branch = random(5);
        const kind = random(8);
        if (kind === 0) t.input({ kind: 'failed', branch, reason: random(2) ? 'timeout' : 'transport' });
        else if (kind === 1 && random(6) === 0) t.input({ kind: 'cancel' });
        else if (kind === 2 && random(3) === 0) t.input({ kind: 'advance' });
        else if (kind === 3) t.advanceTo(later(t.now, random(100_000)));
        else if (t.context.branches.some(({ id }) => id === branch)) {
          t.receive(branch, [100, 180, 183, 200, 302, 401, 404, 486, 487, 500, 503, 603][random(12)] ?? 100);
        }
      }
      for (let i = 0; i < 100 && t.state !== 'terminated'; i += 1) t.advanceTo(later(t.now, 200_000));
      assert.equal(t.state, 'terminated', `seed ${seed}`);
      const finals = t.log.filter((line) => /^(?:forward|reply) [2-6]/.test(line));
      const refusals = finals.filter((line) => !/ 2/.test(line));
      assert.ok(finals.length > 0 && refusals.length <= 1, `seed ${seed}: ${t.log.join(', ')}`);
      assert.ok(refusals.length === 0 || finals.length === 1, `seed ${seed}: ${t.log.join(', ')}`);
      assert.equal(t.context.best, undefined, `seed ${seed} keeps a message`);
    }
  });
});
