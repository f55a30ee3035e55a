/** Two calls over two whole stacks and a wire that loses packets: the machine and the transactions it relies on. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Destination, type Octets, octets } from '@strowger/proto';
import { composeResponse } from '../message/index.ts';
import type { StackEvent } from '../stack/events.ts';
import { type Node, seeded, Wire } from '../stack/wire.ts';
import { ANSWER, OFFER, sampleCall } from './call/rig.ts';
import {
  answerStray,
  type Call,
  type Command,
  type Input,
  nextDeadline,
  type Output,
  type Step,
  startIncoming,
  startOutgoing,
  step,
} from './call.ts';

type Bare<T> = T extends unknown ? Omit<T, 'now'> : never;
type Owner = Extract<Output, { kind: 'send' }>;

const at = (address: string): Destination => ({
  kind: 'address',
  transport: 'udp',
  remote: { address, port: 5060 },
});

/** A host of one call: what every TU has to do, and no more. */
class Phone {
  call: Call = { state: 'ended' };
  readonly events: string[] = [];
  readonly #wire: Wire;
  readonly #node: Node;
  readonly #peer: Destination;
  readonly #invites = new Map<number, Parameters<Node['stack']['cancel']>[0]>();
  /** Whether there was a call at all. */
  taken = false;

  constructor(wire: Wire, node: Node, peer: Destination) {
    this.#wire = wire;
    this.#node = node;
    this.#peer = peer;
    node.on = (event) => this.#hear(event);
  }

  take([call, outputs]: Step): void {
    if (call.state !== 'ended') this.taken = true;
    this.call = call;
    for (const output of outputs) this.#perform(output);
    const due = nextDeadline(this.call);
    // Stale wake-ups are harmless: a tick before a deadline does nothing.
    if (due !== undefined) this.#wire.after(due - this.#wire.now, () => this.input({ kind: 'tick' }));
  }

  input(input: Bare<Input>): void {
    this.take(step(this.call, { ...input, now: this.#wire.mono } as Input));
  }

  #perform(output: Output): void {
    const { stack } = this.#node;
    const now = this.#wire.mono;
    switch (output.kind) {
      case 'send': {
        const key = stack.request({ method: output.method, text: output.text, target: this.#peer }, output, now);
        if (output.method === 'INVITE') this.#invites.set(output.seq, key);
        break;
      }
      case 'ack':
        stack.ack(output.text, this.#peer, now);
        break;
      case 'cancel': {
        const key = this.#invites.get(output.seq);
        if (key !== undefined) stack.cancel(key, now, output.fields);
        break;
      }
      case 'respond':
        stack.respond(output.key as Extract<StackEvent, { kind: 'request' }>['key'], output.text, now);
        break;
      default:
        this.events.push(output.kind);
        if (output.kind === 'request') this.input({ kind: 'respond', key: output.key, status: 200 });
    }
  }

  #hear(event: StackEvent): void {
    const over = this.call.state === 'ended';
    switch (event.kind) {
      case 'request': {
        const { key, request } = event;
        if (!over) this.input({ kind: 'request', key, request });
        else if (!this.taken && request.method === 'INVITE' && request.toTag === undefined) {
          this.take(startIncoming({ request, key, localTag: octets`b1`, contact: octets`<sip:b@192.0.2.2>`, seed: 3 }));
        } else this.#node.stack.respond(key, composeResponse(request, 481), this.#wire.mono);
        break;
      }
      case 'cancel':
        this.input({ kind: 'cancelled', key: event.key, request: event.request });
        break;
      case 'ack':
        this.input({ kind: 'ack', request: event.request });
        break;
      case 'response':
      case 'stray':
        if (!over) this.input({ kind: 'response', response: event.response });
        else for (const output of answerStray(event.response)) this.#perform(output);
        break;
      case 'failed': {
        const { method, seq, detached } = event.owner as Owner;
        if (!detached) this.input({ kind: 'failed', method, seq, reason: event.reason });
        break;
      }
      case 'server-failed':
      case 'discarded':
        break;
    }
  }
}

const INFO: Octets = octets`INFO`;

const COMMANDS: readonly Command[] = [
  { kind: 'offer', body: OFFER, autoAck: true },
  { kind: 'answer', body: ANSWER },
  { kind: 'progress', status: 180 },
  { kind: 'send', method: INFO },
  { kind: 'reject', status: 488 },
  { kind: 'withdraw' },
];

function play(seed: number): { wire: Wire; nodes: readonly Node[]; phones: readonly Phone[] } {
  const next = seeded(seed * 9973);
  const roll = (n: number) => Math.floor(next() * n);
  const wire = new Wire();
  const nodes = [wire.add('a', '192.0.2.1'), wire.add('b', '192.0.2.2')] as const;
  const phones = [new Phone(wire, nodes[0], at('192.0.2.2')), new Phone(wire, nodes[1], at('192.0.2.1'))] as const;
  const loss = [0, 0.1, 0.3][roll(3)] ?? 0;
  wire.lose = () => next() < loss;
  phones[0].take(startOutgoing(sampleCall({ autoAck: true, noAnswer: 60_000, seed }), wire.mono));
  const span = [2000, 20_000][roll(2)] ?? 2000;
  wire.after(roll(span), () => phones[1].input({ kind: 'answer', body: ANSWER }));
  for (let i = roll(8); i > 0; i -= 1) {
    const phone = phones[roll(2)];
    const command = COMMANDS[roll(COMMANDS.length)];
    if (phone && command) wire.after(roll(span * 2), () => phone.input(command));
  }
  const last = phones[roll(2)];
  wire.after(roll(span * 3), () => last?.input({ kind: 'hang-up' }));
  wire.after(span * 3, () => phones[0].input({ kind: 'hang-up' }));
  wire.runTo(400_000);
  return { wire, nodes, phones };
}

suite('two calls over two stacks', () => {
  test('up to 30 % loss: both calls end, each says so once, and no transaction is left', () => {
    let talked = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const { wire, nodes, phones } = play(seed);
      const about = `seed ${seed}\n${wire.ladder.join('\n')}`;
      for (const { call, events, taken } of phones) {
        assert.equal(call.state, 'ended', about);
        // A callee whose INVITE never arrived knows of no call.
        assert.equal(events.filter((kind) => kind === 'ended').length, taken ? 1 : 0, about);
        if (events.includes('acknowledged')) talked += 1;
      }
      for (const { stack } of nodes) {
        const { client, server } = stack.counts();
        assert.deepEqual({ client, server }, { client: 0, server: 0 }, about);
      }
    }
    assert.ok(talked > 100, `only ${talked} of 200 came about`);
  });
});
