import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  asMono,
  type Destination,
  encode,
  type Flow,
  type Mono,
  type Octets,
  octets,
  TimerWheel,
} from '@strowger/proto';
import { composeRequest, composeResponse, type Packet, SipStack, type StackEvent } from '@strowger/sip';
import { Prng } from '@strowger/testkit';

const ALICE = { address: '192.0.2.1', port: 5060 };
const BOB = { address: '192.0.2.2', port: 5060 };
const TO_BOB: Destination = { kind: 'address', transport: 'udp', remote: BOB };
/** Above this a transaction has kept a message: each is larger than 2,000 bytes. */
const MESSAGE = 2_000;
const N = 20_000;

suite('transactions, what they keep', () => {
  for (const [method, status] of [
    ['INVITE', 200],
    ['INVITE', 486],
    ['OPTIONS', 200],
  ] as const) {
    test(`RFC 3261 §17, RFC 6026: after 64·T1 nothing of 20,000 ${method} answered ${status} is left`, async (t) => {
      const pair = new Pair(status);
      pair.ask(method);
      pair.advance(64_000);
      const before = await heap();
      for (let i = 0; i < N; i += 1) {
        pair.ask(method);
        if (i % 20 === 0) pair.advance(1);
      }
      const alive = ((await heap()) - before) / N;
      assert.deepEqual(pair.counts(), [N, N]);
      // A 200 to INVITE leaves nothing to be sent again; a 486 and a 200 to OPTIONS do, on one side each.
      if (method === 'INVITE' && status === 200) assert.ok(alive < MESSAGE, `${alive} bytes per exchange while alive`);

      pair.advance(64 * 500 + 5_000);
      const left = ((await heap()) - before) / N;
      t.diagnostic(
        `${method} ${status}: ${Math.round(alive)} bytes per exchange (both sides) while alive, ${left.toFixed(1)} after`,
      );
      assert.deepEqual(pair.counts(), [0, 0]);
      assert.equal(pair.wheel.size, 0);
      assert.equal(pair.heard(), 0, 'messages still in memory');
      // Tables keep their buckets for the next rush; 20,000 messages would be 40 MB.
      assert.ok(left < 200, `${left} bytes per exchange`);
    });
  }
});

/** Two stacks in virtual time without a wire between them: what one sends the other has at once. */
class Pair {
  readonly wheel: TimerWheel = new TimerWheel(asMono(0));
  readonly #alice: SipStack;
  readonly #bob: SipStack;
  readonly #queue: (() => void)[] = [];
  /** Every message that came by an event. */
  readonly #messages: WeakRef<object>[] = [];
  #now: Mono = asMono(0);
  #count = 0;

  constructor(status: number) {
    const body = 'y'.repeat(MESSAGE) as Octets;
    this.#alice = this.#stack(
      ALICE,
      BOB,
      () => this.#bob,
      (event) => {
        if (event.kind !== 'response') return;
        this.#keep(event.response);
        if (event.response.status !== 200 || event.response.cseq.method !== 'INVITE') return;
        this.#alice.ack(requestOf('ACK', this.#count), TO_BOB, this.#now);
      },
    );
    this.#bob = this.#stack(
      BOB,
      ALICE,
      () => this.#alice,
      (event) => {
        if (event.kind !== 'request') return;
        this.#keep(event.request);
        const answer = composeResponse(event.request, status, {
          toTag: octets`b`,
          body,
          contentType: octets`text/plain`,
        });
        this.#bob.respond(event.key, answer, this.#now);
      },
    );
  }

  ask(method: 'INVITE' | 'OPTIONS'): void {
    this.#count += 1;
    this.#alice.request(
      { method: encode(method), text: requestOf(method, this.#count), target: TO_BOB },
      {},
      this.#now,
    );
    for (let work = this.#queue.shift(); work; work = this.#queue.shift()) work();
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.wheel.nextDue(); due !== undefined && due <= end; due = this.wheel.nextDue()) {
      this.#now = asMono(Math.max(this.#now, due));
      this.wheel.advance(this.#now);
      for (let work = this.#queue.shift(); work; work = this.#queue.shift()) work();
    }
    this.#now = asMono(end);
    this.wheel.advance(this.#now);
  }

  counts(): readonly [client: number, server: number] {
    return [this.#alice.counts().client, this.#bob.counts().server];
  }

  /** Messages not collected yet. */
  heard(): number {
    return this.#messages.filter((each) => each.deref() !== undefined).length;
  }

  #keep(message: object): void {
    // A tenth will do: weak references cost memory themselves.
    if (this.#count % 10 === 0) this.#messages.push(new WeakRef(message));
  }

  #stack(at: typeof ALICE, peerAt: typeof ALICE, peer: () => SipStack, emit: (event: StackEvent) => void): SipStack {
    const flow: Flow = { transport: 'udp', local: peerAt, remote: at };
    return new SipStack({
      random: new Prng(at === ALICE ? 1 : 2),
      wheel: this.wheel,
      locals: [{ transport: 'udp', address: at }],
      emit,
      send: ({ text }: Packet) => void this.#queue.push(() => peer().receive(asSent(text), flow, this.#now)),
    });
  }
}

function requestOf(method: 'INVITE' | 'OPTIONS' | 'ACK', n: number): Octets {
  return composeRequest({
    method: encode(method),
    uri: octets`sip:bob@192.0.2.2`,
    fields: [
      ['Max-Forwards', octets`70`],
      ['From', octets`<sip:alice@192.0.2.1>;tag=a${n}`],
      ['To', method === 'ACK' ? octets`<sip:bob@192.0.2.2>;tag=b` : octets`<sip:bob@192.0.2.2>`],
      ['Call-ID', octets`heap-${n}`],
      ['CSeq', octets`1 ${encode(method)}`],
      ['Contact', octets`<sip:alice@192.0.2.1:5060>`],
    ],
    body: (method === 'ACK' ? '' : 'x'.repeat(MESSAGE)) as Octets,
  });
}

/** A flat string of its own, as off a socket. */
const asSent = (text: Octets): Octets => Buffer.from(text, 'latin1').toString('latin1') as Octets;

async function heap(): Promise<number> {
  // A weak reference holds on to what it was made for until the job ends.
  await setImmediate();

  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
