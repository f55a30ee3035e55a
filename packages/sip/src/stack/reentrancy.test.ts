import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { asMono, type Flow, octets, TimerWheel } from '@strowger/proto';
import { composeResponse } from '../message/compose.ts';
import type { ServerKey } from '../transaction/server-layer.ts';
import type { StackEvent } from './events.ts';
import { answers, BOB, pair, requestText, send, told } from './phones.ts';
import { SipStack } from './stack.ts';
import { seeded, seededRandom } from './wire.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Two stacks without a wire: what one sends, the other has received before `send` returns. */
function joined() {
  const now = asMono(0);
  const at = { a: { address: '192.0.2.1', port: 5060 }, b: { address: '192.0.2.2', port: 5060 } };
  const on = { a: (_event: StackEvent) => {}, b: (_event: StackEvent) => {} };
  const wheel = new TimerWheel(now);
  const stacks: Record<'a' | 'b', SipStack> = { a: make('a', 'b'), b: make('b', 'a') };
  function make(me: 'a' | 'b', peer: 'a' | 'b'): SipStack {
    const flow: Flow = { transport: 'udp', local: at[peer], remote: at[me] };
    return new SipStack({
      random: seededRandom(me === 'a' ? 1 : 2),
      wheel,
      locals: [{ transport: 'udp', address: at[me] }],
      emit: (event) => on[me](event),
      send: ({ text }) => stacks[peer].receive(text, flow, now),
    });
  }
  return { ...stacks, on, wheel, now };
}

const invite = { method: octets`INVITE`, text: requestText('INVITE'), target: BOB };

suite('SIP stack, called from within its own events', () => {
  test('a whole call nested in one request(): INVITE, 180, 200, ACK, BYE, 200', () => {
    const { a, b, on, wheel, now } = joined();
    const log: string[] = [];
    on.b = (event) => {
      log.push(`b ${event.kind} ${'request' in event ? event.request.method : ''}`);
      if (event.kind !== 'request') return;
      if (event.request.method === 'INVITE') b.respond(event.key, composeResponse(event.request, 180), now);
      b.respond(event.key, composeResponse(event.request, 200), now);
    };
    on.a = (event) => {
      log.push(`a ${event.kind} ${event.kind === 'response' ? event.response.status : ''}`);
      if (event.kind !== 'response' || event.response.status !== 200 || event.owner !== 'call') return;
      a.ack(requestText('ACK'), BOB, now);
      a.request({ method: octets`BYE`, text: requestText('BYE', { seq: 2 }), target: BOB }, 'bye', now);
    };
    a.request(invite, 'call', now);
    assert.deepEqual(log, [
      'b request INVITE',
      'a response 180',
      'a response 200',
      'b ack ACK',
      'b request BYE',
      'a response 200',
    ]);
    wheel.advance(asMono(40_000));
    assert.deepEqual([a.counts().client, b.counts().server, wheel.size], [0, 0, 0]);
  });

  test('CANCEL from within the 180, 487 from within the CANCEL, ACK: one verdict', () => {
    const { a, b, on, wheel, now } = joined();
    const log: string[] = [];
    let asked: Extract<StackEvent, { kind: 'request' }> | undefined;
    on.b = (event) => {
      log.push(`b ${event.kind}`);
      if (event.kind === 'request') {
        asked = event;
        b.respond(event.key, composeResponse(event.request, 180, { toTag: octets`b1` }), now);
      } else if (event.kind === 'cancel' && asked) b.respond(asked.key, composeResponse(asked.request, 487), now);
    };
    on.a = (event) => {
      log.push(`a ${event.kind} ${event.kind === 'response' ? event.response.status : ''}`);
      if (event.kind === 'response' && event.response.status === 180) a.cancel(event.key, now);
    };
    a.request(invite, 'call', now);
    assert.deepEqual(log, ['b request', 'a response 180', 'b cancel', 'a response 487']);
    wheel.advance(asMono(80_000));
    assert.deepEqual([a.counts().client, b.counts().server, wheel.size], [0, 0, 0]);
  });

  test('a TU that throws at a request: the peer is answered 500, the host gets the error, the rest goes on', () => {
    const { wire, alice, bob } = pair();
    bob.on = (event) => {
      if (event.kind === 'request' && event.request.cseq.seq === 1) throw new Error('the TU fell over');
      answers(bob, wire, 200)(event);
    };
    send(alice, wire, 'INVITE');
    assert.throws(() => wire.runTo(1_000), /fell over/);
    wire.runTo(1_000);
    send(alice, wire, 'OPTIONS', BOB, { seq: 2 });
    wire.runTo(60_000);
    assert.deepEqual(told(alice), ['response 500', 'response 200']);
    assert.deepEqual([bob.stack.counts().server, bob.wheel.size], [0, 0]);
  });

  test('a TU that throws at whatever it is told, by chance: every transaction still ends', () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const { wire, alice, bob } = pair();
      const chance = seeded(seed);
      wire.lose = () => chance() < 0.2;
      for (const node of [alice, bob]) {
        node.on = (event) => {
          if (node === bob) answers(bob, wire, 180, 486)(event);
          if (chance() < 0.5) throw new Error('by chance');
        };
      }
      for (let i = 0; i < 5; i += 1) {
        send(alice, wire, i % 2 === 0 ? 'INVITE' : 'OPTIONS', BOB, { seq: i + 1 });
        for (let at = wire.now; wire.now < at + 200; ) attempt(() => wire.runTo(at + 200));
      }
      while (wire.now < 120_000) attempt(() => wire.runTo(120_000));
      const left = [alice.stack.counts().client, bob.stack.counts().server, alice.wheel.size, bob.wheel.size];
      assert.deepEqual(left, [0, 0, 0, 0], `seed ${seed}`);
    }
  });
});

suite('SIP stack, what it keeps', () => {
  test('absorbing transactions hold no text: 400 calls of 50 kB, accepted on both sides, take little', () => {
    const { a, b, on, now, wheel } = joined();
    on.b = (event) => {
      if (event.kind === 'request') b.respond(event.key, composeResponse(event.request, 200), now);
    };
    const call = (i: number) =>
      a.request({ ...invite, text: requestText('INVITE', { size: 50_000 + i, callId: `c${i}` }) }, 'call', now);
    call(0);
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 1; i <= 400; i += 1) call(i);
    collect();
    const grown = process.memoryUsage().heapUsed - before;
    assert.deepEqual([a.counts().client, b.counts().server], [401, 401]);
    // 20 MB of INVITEs, twice, if they were kept.
    assert.ok(grown < 4_000_000, `${grown} octets`);
    wheel.advance(asMono(40_000));
    assert.deepEqual([a.counts().client, b.counts().server], [0, 0]);
  });

  test('a key holds nothing: once ended, owner, request and response are collected', () => {
    const { a, b, on, now, wheel } = joined();
    const watched: WeakRef<object>[] = [];
    const keys: ServerKey[] = [];
    on.b = (event) => {
      if (event.kind !== 'request') return;
      keys.push(event.key);
      watched.push(new WeakRef(event.request));
      b.respond(event.key, composeResponse(event.request, 404), now);
    };
    on.a = (event) => {
      if (event.kind === 'response') watched.push(new WeakRef(event.response));
    };
    const ask = () => {
      const owner = { name: 'a call' };
      watched.push(new WeakRef(owner));
      return a.request({ method: octets`OPTIONS`, text: requestText('OPTIONS'), target: BOB }, owner, now);
    };
    const key = ask();
    wheel.advance(asMono(40_000));
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      collect();
      assert.equal(watched.length, 3);
      assert.deepEqual(
        watched.map((each) => each.deref()),
        [undefined, undefined, undefined],
      );
      assert.deepEqual([typeof key, typeof keys[0]], ['number', 'number']);
    });
  });
});

function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    assert.match(String(error), /by chance/);
  }
}
