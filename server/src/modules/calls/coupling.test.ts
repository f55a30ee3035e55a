import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assumeOctets, asWall, octets } from '@strowger/proto';
import { because } from '../../kernel/reason.ts';
import type { StreamLocal } from '../../media/port.ts';
import {
  type Coupling,
  type CouplingInput,
  type CouplingOutput,
  type CouplingStep,
  startCoupling,
  stepCoupling,
} from './coupling.ts';
import type { Body, LegCommand, LegEvent } from './leg.ts';

const OURS = '192.0.2.1';
const OURS6 = '2001:db8::1';

/** A description of so many streams, whose maker receives from `port` on. */
function sdp(port: number, o: { streams?: number; direction?: string; address?: string } = {}): Body {
  const { streams = 1, direction = 'sendrecv', address = '198.51.100.7' } = o;
  const media = Array.from({ length: streams }, (_, i) =>
    [`m=${i === 0 ? 'audio' : 'video'} ${port + 2 * i} RTP/AVP 0`, `a=${direction}`].join('\r\n'),
  );
  const lines = ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', ...media, ''];
  return { type: octets`application/sdp`, text: assumeOctets(lines.join('\r\n')) };
}

const NOT_SDP: Body = { type: octets`text/plain`, text: octets`hello` };

interface PlannedFork {
  readonly group?: number;
  readonly bind?: string;
}

/** Drives a coupling and writes down what it wants, with ports in the place of descriptions. */
class Bench {
  coupling: Coupling;
  readonly log: string[] = [];
  now = 1000;

  constructor(o: { offer?: Body | undefined; forks?: readonly PlannedFork[] } = { offer: sdp(4000) }) {
    const [coupling, outputs] = startCoupling({
      id: 'c',
      ...(o.offer === undefined ? {} : { offer: o.offer }),
      caller: { bind: OURS, source: '198.51.100.7' },
      forks: (o.forks ?? [{}]).map(({ group = 0, bind = OURS }, i) => ({
        leg: `b${i + 1}`,
        bind,
        source: `198.51.100.${i + 11}`,
        group,
      })),
      now: asWall(this.now),
    });
    this.coupling = coupling;
    this.#note(outputs);
  }

  /** What was wanted since the last time. */
  take(): readonly string[] {
    return this.log.splice(0);
  }

  leg(leg: string, event: LegEvent): this {
    return this.input({ kind: 'leg', leg, event, now: this.#tick() });
  }

  allocated(bridge: string = 'c/0', streams: number = 1): this {
    const [, n = '0'] = bridge.split('/');
    const ports = (first: number, address: string): StreamLocal[] =>
      Array.from({ length: streams }, (_, i) => ({ address, port: first + 2 * i, rtcpPort: first + 2 * i + 1 }));
    const bind = this.coupling.paths.find((path) => path.bridge === bridge)?.bind ?? OURS;
    const a = ports(30_000 + 100 * Number(n), OURS);
    return this.input({ kind: 'allocated', bridge, a, b: ports(31_000 + 100 * Number(n), bind), now: this.#tick() });
  }

  input(input: CouplingInput): this {
    const [coupling, outputs]: CouplingStep = stepCoupling(this.coupling, input);
    this.coupling = coupling;
    this.#note(outputs);
    return this;
  }

  #tick(): ReturnType<typeof asWall> {
    this.now += 1;
    return asWall(this.now);
  }

  #note(outputs: readonly CouplingOutput[]): void {
    for (const output of outputs) this.log.push(noted(output));
  }
}

function noted(output: CouplingOutput): string {
  switch (output.kind) {
    case 'command':
      return `${output.leg} ${commanded(output.command)}`;
    case 'call':
      return `call ${output.leg}${portsIn(output.body)}`;
    case 'allocate':
      return `allocate ${output.bridge} ${output.streams} ${output.binds.a} ${output.binds.b}`;
    case 'connect':
      return `connect ${output.bridge}.${output.side} from ${output.source}${portsIn(output.description)}`;
    case 'release':
      return `release ${output.bridge}`;
    case 'snapshot':
      return 'snapshot';
    case 'ended': {
      const { by, cause, status, reason } = output.end;
      return `ended by ${by}: ${cause} ${status ?? '-'} ${reason.code}`;
    }
  }
}

function commanded(command: LegCommand): string {
  const words: unknown[] = [command.kind];
  if ('status' in command) words.push(command.status);
  if ('method' in command) words.push(command.method);
  if ('why' in command) words.push(command.why.code);
  return words.join(' ') + ('body' in command ? portsIn(command.body) : '');
}

function portsIn(body: Body | undefined): string {
  if (body === undefined) return '';
  const ports = [...body.text.matchAll(/^m=\w+ (\d+)/gm)].map(([, port]) => port);
  const direction = /^a=(sendonly|recvonly|inactive)/m.exec(body.text)?.[1];
  return ` [${[ports.join(' '), ...(direction ? [direction] : [])].join(' ')}]`;
}

const ended = (cause: string, status?: number, by: 'remote' | 'network' | 'local' = 'remote'): LegEvent => ({
  kind: 'ended',
  by,
  cause,
  ...(status === undefined ? {} : { status }),
});

/** A call that is up: a's port 4000, b1's 5000, ours 30000 and 31000. */
function up(): Bench {
  const bench = new Bench();
  bench
    .allocated()
    .leg('b1', { kind: 'progress', status: 180 })
    .leg('b1', { kind: 'answered', body: sdp(5000) });
  bench.take();
  assert.equal(bench.coupling.phase, 'up');
  return bench;
}

suite('coupling, from ring to answer', () => {
  test('RFC 3261 §13 a plain call: ports, ring, answer, hang-up, and what each was told', () => {
    const bench = new Bench();
    assert.deepEqual(bench.take(), [`allocate c/0 1 ${OURS} ${OURS}`]);
    bench.allocated();
    assert.deepEqual(bench.take(), ['connect c/0.a from 198.51.100.7 [4000]', 'call b1 [31000]']);
    bench.leg('b1', { kind: 'progress', status: 100 }).leg('b1', { kind: 'progress', status: 180 });
    bench.leg('b1', { kind: 'progress', status: 180 });
    assert.deepEqual(bench.take(), ['a progress 180', 'snapshot']);
    bench.leg('b1', { kind: 'answered', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['connect c/0.b from 198.51.100.11 [5000]', 'a answer [30000]', 'snapshot']);
    bench.leg('a', { kind: 'acknowledged', first: true });
    bench.leg('b1', ended('hung-up'));
    assert.deepEqual(bench.take(), [
      'a hang-up callee-hung-up',
      'release c/0',
      'ended by callee: hung-up - callee-hung-up',
    ]);
    assert.deepEqual(bench.coupling.times, { start: 1000, ring: 1003, answer: 1005, end: 1007 });
    bench.leg('a', ended('hung-up', undefined, 'local')).leg('b1', { kind: 'offer' });
    assert.deepEqual(bench.take(), [], 'what is over says nothing');
  });

  test('the caller hangs up: its callee is told', () => {
    const bench = up();
    bench.leg('a', ended('hung-up'));
    assert.deepEqual(bench.take(), [
      'b1 hang-up caller-hung-up',
      'release c/0',
      'ended by caller: hung-up - caller-hung-up',
    ]);
  });

  test('the caller’s phone is gone without a word: its callee is told, and the record says by whom', () => {
    const bench = up();
    bench.leg('a', ended('no-ack', undefined, 'network'));
    assert.deepEqual(bench.take(), [
      'b1 hang-up caller-no-ack',
      'release c/0',
      'ended by network: no-ack - caller-no-ack',
    ]);
  });

  test('RFC 3261 §9 the caller gives up while it rings, or before it does', () => {
    const ringing = new Bench().allocated();
    ringing.take();
    ringing.leg('a', ended('cancelled'));
    const end = ['release c/0', 'ended by caller: cancelled - caller-cancelled-before-answer'];
    assert.deepEqual(ringing.take(), ['b1 hang-up caller-cancelled-before-answer', ...end]);
    const preparing = new Bench();
    preparing.take();
    preparing.leg('a', ended('cancelled')).allocated();
    assert.deepEqual(preparing.take(), end);
  });

  test('RFC 3960 early media: its ports cross once, and nothing rings over it', () => {
    const bench = new Bench().allocated();
    bench.take();
    bench.leg('b1', { kind: 'progress', status: 183, body: sdp(5000) }).leg('b1', { kind: 'progress', status: 180 });
    assert.deepEqual(bench.take(), ['connect c/0.b from 198.51.100.11 [5000]', 'a progress 183 [30000]', 'snapshot']);
    bench.leg('b1', { kind: 'answered', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['connect c/0.b from 198.51.100.11 [5000]', 'a answer [30000]', 'snapshot']);
  });

  test('a 183 without a description does not hide the 180 of another phone', () => {
    const bench = new Bench({ offer: sdp(4000), forks: [{}, {}] }).allocated();
    bench.take();
    bench.leg('b1', { kind: 'progress', status: 183 }).leg('b2', { kind: 'progress', status: 180 });
    bench.leg('b1', { kind: 'progress', status: 183 });
    assert.deepEqual(bench.take(), ['a progress 183', 'snapshot', 'a progress 180', 'snapshot']);
  });

  test('an answer with nothing to hear in it ends the call', () => {
    for (const body of [undefined, NOT_SDP]) {
      const bench = new Bench().allocated();
      bench.take();
      bench.leg('b1', body === undefined ? { kind: 'answered' } : { kind: 'answered', body });
      const why = 'answer-without-description';
      assert.deepEqual(bench.take(), [
        `a reject 488 ${why}`,
        `b1 hang-up ${why}`,
        'release c/0',
        `ended by callee: rejected 488 ${why}`,
      ]);
    }
  });

  test('an offer that cannot be read, or of more streams than media takes, is refused before anything rings', () => {
    for (const offer of [NOT_SDP, sdp(4000, { streams: 0 }), sdp(4000, { streams: 17 })]) {
      const end = 'ended by server: rejected 488 offer-unreadable';
      assert.deepEqual(new Bench({ offer }).take(), ['a reject 488 offer-unreadable', end]);
    }
  });

  test('an administrator hangs up, in any phase', () => {
    const why = because('hung-up-by-administrator');
    const ringing = new Bench().allocated();
    ringing.take();
    ringing.input({ kind: 'hang-up', why, now: asWall(9) });
    const end = ['release c/0', `ended by server: hung-up 480 ${why.code}`];
    assert.deepEqual(ringing.take(), [`a reject 480 ${why.code}`, `b1 hang-up ${why.code}`, ...end]);
    const talking = up();
    talking.input({ kind: 'hang-up', why, now: asWall(9) });
    assert.deepEqual(talking.take(), [`a hang-up ${why.code}`, `b1 hang-up ${why.code}`, ...end]);
  });
});

suite('coupling, several phones', () => {
  const two = (forks: readonly PlannedFork[] = [{}, {}]) => {
    const bench = new Bench({ offer: sdp(4000), forks }).allocated();
    bench.take();
    return bench;
  };

  test('RFC 3261 §16.7 the first that answers has it, the others stop ringing', () => {
    const bench = two();
    bench.leg('b2', { kind: 'answered', body: sdp(5000) });
    assert.deepEqual(bench.take(), [
      'b1 hang-up answered-elsewhere',
      'connect c/0.b from 198.51.100.12 [5000]',
      'a answer [30000]',
      'snapshot',
    ]);
    bench.leg('b1', ended('cancelled', 487, 'local'));
    assert.deepEqual(bench.take(), []);
  });

  test('two pick up at once: the second is hung up, and the call is the first’s', () => {
    const bench = two([{}, { bind: OURS6 }]);
    bench.allocated('c/1');
    bench.take();
    bench.leg('b1', { kind: 'answered', body: sdp(5000) });
    assert.ok(bench.take().includes('release c/1'));
    bench.leg('b2', { kind: 'answered', body: sdp(6000) });
    assert.deepEqual(bench.take(), []);
    assert.equal(bench.coupling.winner, 'b1');
  });

  test('one fork whose cancelling met its answer does not become a second winner', () => {
    const bench = two();
    bench.leg('b1', { kind: 'answered', body: sdp(5000) }).leg('b2', { kind: 'answered', body: sdp(6000) });
    bench.leg('b2', ended('hung-up'));
    assert.equal(bench.coupling.phase, 'up');
    assert.deepEqual(bench.coupling.winner, 'b1');
  });

  test('§16.6 groups ring one after another, through the same bridge', () => {
    const bench = two([{ group: 0 }, { group: 1 }, { group: 1 }]);
    bench.leg('b1', ended('rejected', 486));
    assert.deepEqual(bench.take(), ['connect c/0.a from 198.51.100.7 [4000]', 'call b2 [31000]', 'call b3 [31000]']);
    bench.leg('b2', ended('rejected', 404));
    assert.deepEqual(bench.take(), []);
    bench.leg('b3', ended('no-answer', 408, 'local'));
    assert.deepEqual(bench.take(), [
      'a reject 486 callee-busy',
      'release c/0',
      'ended by callee: busy 486 callee-busy',
    ]);
  });

  const refusals: readonly (readonly [why: string, said: readonly (readonly [string, number?])[], told: string])[] = [
    [
      'busy beats not found',
      [
        ['rejected', 404],
        ['rejected', 486],
      ],
      'callee: busy 486 callee-busy',
    ],
    ['a decline is the person’s', [['rejected', 603]], 'callee: rejected 603 callee-declined'],
    [
      'what a phone says of itself is not passed on',
      [
        ['rejected', 302],
        ['rejected', 500],
      ],
      'callee: rejected 480 callee-not-available',
    ],
    ['nor is that it wanted credentials', [['rejected', 401]], 'callee: rejected 480 callee-not-available'],
    ['nobody picks up', [['no-answer', 408]], 'server: no-answer 480 callee-did-not-answer'],
    ['nothing but silence', [['timeout', 408]], 'network: no-response 408 callee-phones-silent'],
    ['an end without a status', [['transport']], 'callee: rejected 480 callee-not-available'],
  ];
  for (const [why, said, told] of refusals) {
    test(`§16.7 all refuse: ${why}`, () => {
      const bench = two(said.map(() => ({})));
      said.forEach(([cause, status], i) => void bench.leg(`b${i + 1}`, ended(cause, status)));
      assert.equal(bench.take().at(-1), `ended by ${told}`);
    });
  }

  test('§16.7 a 6xx ends it at once for all phones', () => {
    const bench = two();
    bench.leg('b1', ended('rejected', 603));
    assert.deepEqual(bench.take(), [
      'a reject 603 callee-declined',
      'b2 hang-up callee-declined',
      'release c/0',
      'ended by callee: rejected 603 callee-declined',
    ]);
  });

  test('§21.6.1 600 is busy everywhere, not declined', () => {
    const bench = two();
    bench.leg('b1', ended('rejected', 600));
    assert.deepEqual(bench.take(), [
      'a reject 600 callee-busy',
      'b2 hang-up callee-busy',
      'release c/0',
      'ended by callee: busy 600 callee-busy',
    ]);
  });
});

suite('coupling, media', () => {
  const failed = (bridge: string): CouplingInput => ({
    kind: 'media-failed',
    bridge,
    code: 'MEDIA_NO_PORTS',
    now: asWall(5),
  });

  test('no ports: 503, and no phone rings', () => {
    const bench = new Bench();
    bench.take();
    bench.input(failed('c/0'));
    assert.deepEqual(bench.take(), ['release c/0', 'a reject 503 no-media', 'ended by server: no-media 503 no-media']);
  });

  test('no ports for the phones of one family: those of the other ring', () => {
    const bench = new Bench({ offer: sdp(4000), forks: [{}, { bind: OURS6 }] });
    assert.deepEqual(bench.take(), [`allocate c/0 1 ${OURS} ${OURS}`, `allocate c/1 1 ${OURS} ${OURS6}`]);
    bench.input(failed('c/1'));
    assert.deepEqual(bench.take(), ['release c/1']);
    bench.allocated('c/0');
    assert.deepEqual(bench.take().at(-1), 'call b1 [31000]');
    bench.leg('b1', ended('rejected', 486));
    assert.deepEqual(bench.take().at(-1), 'ended by callee: busy 486 callee-busy');
  });

  test('a phone on IPv6 is offered an IPv6 address, and the bridges of the losers go back', () => {
    const bench = new Bench({ offer: sdp(4000), forks: [{}, { bind: OURS6 }] });
    bench.allocated('c/0').allocated('c/1');
    bench.take();
    bench.leg('b2', { kind: 'answered', body: sdp(5000) });
    assert.deepEqual(bench.take(), [
      'b1 hang-up answered-elsewhere',
      'release c/0',
      'connect c/1.b from 198.51.100.12 [5000]',
      'a answer [30100]',
      'snapshot',
    ]);
  });

  test('ports that come when the call went another way are released once, by what was said before', () => {
    const bench = new Bench({ offer: sdp(4000), forks: [{}, { bind: OURS6 }] });
    bench.allocated('c/0').leg('b1', { kind: 'answered', body: sdp(5000) });
    assert.equal(bench.take().filter((line) => line === 'release c/1').length, 1);
    bench.allocated('c/1');
    assert.deepEqual(bench.take(), []);
  });

  test('RFC 3264 §5 an offer that cannot be rewritten for anybody ends the call instead of ringing for ever', () => {
    const offer = sdp(4000);
    const broken: Body = { ...offer, text: assumeOctets(offer.text.replace('c=IN IP4', 'c=IN IP9')) };
    const bench = new Bench({ offer: broken });
    if (bench.coupling.phase !== 'ended') bench.allocated();
    assert.equal(bench.coupling.phase, 'ended');
    assert.match(bench.take().at(-1) ?? '', /^ended by .* 488 /);
  });
});

suite('coupling, no offer in the INVITE (RFC 3261 §13.2.1)', () => {
  const offerless = () => {
    const bench = new Bench({ offer: undefined, forks: [{}, {}] });
    assert.deepEqual(bench.take(), ['call b1', 'call b2']);
    return bench;
  };

  test('the phone’s offer goes out in the 200, the caller’s ACK answers it', () => {
    const bench = offerless();
    bench.leg('b1', { kind: 'answered', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['b2 hang-up answered-elsewhere', `allocate c/0 1 ${OURS} ${OURS}`]);
    bench.allocated();
    assert.deepEqual(bench.take(), ['connect c/0.b from 198.51.100.11 [5000]', 'a answer [30000]', 'snapshot']);
    bench.leg('a', { kind: 'acknowledged', first: true, body: sdp(4000) });
    assert.deepEqual(bench.take(), ['connect c/0.a from 198.51.100.7 [4000]', 'b1 acknowledge [31000]', 'snapshot']);
    assert.equal(bench.coupling.exchange, undefined);
  });

  test('an ACK without an answer is passed on all the same', () => {
    const bench = offerless();
    bench.leg('b1', { kind: 'answered', body: sdp(5000) }).allocated();
    bench.take();
    bench.leg('a', { kind: 'acknowledged', first: true });
    assert.deepEqual(bench.take(), ['b1 acknowledge']);
  });

  test('no ports for it: both are told', () => {
    const bench = offerless();
    bench.leg('b1', { kind: 'answered', body: sdp(5000) });
    bench.take();
    bench.input({ kind: 'media-failed', bridge: 'c/0', code: 'MEDIA_NO_PORTS', now: asWall(5) });
    const why = 'no-media';
    assert.deepEqual(bench.take(), [
      `a reject 503 ${why}`,
      `b1 hang-up ${why}`,
      'release c/0',
      `ended by server: no-media 503 ${why}`,
    ]);
  });

  test('the phone that answered leaves before the caller has heard of it', () => {
    const bench = offerless();
    bench.leg('b1', { kind: 'answered', body: sdp(5000) });
    bench.take();
    bench.leg('b1', ended('hung-up'));
    assert.deepEqual(bench.take(), [
      'a reject 480 callee-hung-up',
      'release c/0',
      'ended by callee: hung-up - callee-hung-up',
    ]);
  });
});

suite('coupling, offers within the call (RFC 3261 §14, RFC 3264 §8)', () => {
  test('hold and resume cross, from either side, each version of our o= one more', () => {
    const bench = up();
    bench.leg('a', { kind: 'offer', body: sdp(4000, { direction: 'sendonly' }) });
    assert.deepEqual(bench.take(), ['b1 offer [31000 sendonly]']);
    bench.leg('b1', { kind: 'offer-answered', body: sdp(5000, { direction: 'recvonly' }) });
    assert.deepEqual(bench.take(), [
      'b1 acknowledge',
      'connect c/0.b from 198.51.100.11 [5000 recvonly]',
      'connect c/0.a from 198.51.100.7 [4000 sendonly]',
      'a answer [30000 recvonly]',
      'snapshot',
    ]);
    bench.leg('b1', { kind: 'offer', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['a offer [30000]']);
    bench.leg('a', { kind: 'offer-answered', body: sdp(4000) });
    assert.equal(bench.take().at(-2), 'b1 answer [31000]');
    assert.deepEqual([bench.coupling.caller.version, bench.coupling.forks[0]?.version], [3, 3]);
  });

  test('§14.1 glare: one exchange at a time, the second is told 491', () => {
    const bench = up();
    bench.leg('a', { kind: 'offer', body: sdp(4000) }).leg('b1', { kind: 'offer', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['b1 offer [31000]', 'b1 reject 491 exchange-under-way']);
    bench.leg('b1', { kind: 'offer-failed', status: 491 });
    assert.deepEqual(bench.take(), ['a reject 491 offer-refused']);
    bench.leg('b1', { kind: 'offer', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['a offer [30000]']);
  });

  test('§14.1 an offer refused leaves the call as it was', () => {
    const bench = up();
    bench.leg('a', { kind: 'offer', body: sdp(4000) }).leg('b1', { kind: 'offer-failed', status: 488 });
    assert.deepEqual(bench.take(), ['b1 offer [31000]', 'a reject 488 offer-refused']);
    assert.deepEqual([bench.coupling.phase, bench.coupling.exchange], ['up', undefined]);
    bench.leg('a', { kind: 'offer', body: NOT_SDP });
    assert.deepEqual(bench.take(), ['a reject 488 offer-unreadable']);
  });

  test('§14.1 a phone’s challenge, redirection or 481 is not the other’s: 488', () => {
    const bench = up();
    for (const [said, told] of [401, 407, 302, 481, 488, 415, 606].map((s) => [s, s < 482 && s !== 415 ? 488 : s])) {
      bench.leg('a', { kind: 'offer', body: sdp(4000) }).leg('b1', { kind: 'offer-failed', status: said ?? 0 });
      assert.deepEqual(bench.take(), ['b1 offer [31000]', `a reject ${told} offer-refused`]);
    }
  });

  test('an offer taken back is taken back on the other side; its late answer is acknowledged and changes nothing', () => {
    const bench = up();
    bench.leg('a', { kind: 'offer', body: sdp(4000) }).leg('a', { kind: 'offer-withdrawn' });
    assert.deepEqual(bench.take(), ['b1 offer [31000]', 'b1 withdraw']);
    bench.leg('b1', { kind: 'offer-answered', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['b1 acknowledge']);
  });

  test('an answer that cannot be read: acknowledged to who gave it, 488 to who asked', () => {
    const bench = up();
    bench.leg('a', { kind: 'offer', body: sdp(4000) }).leg('b1', { kind: 'offer-answered' });
    assert.deepEqual(bench.take(), ['b1 offer [31000]', 'b1 acknowledge', 'a reject 488 offer-refused']);
  });

  test('a re-INVITE without an offer asks the other side for one', () => {
    const bench = up();
    bench.leg('b1', { kind: 'offer' });
    assert.deepEqual(bench.take(), ['a offer']);
    bench.leg('a', { kind: 'offer-answered', body: sdp(4000) });
    assert.deepEqual(bench.take(), ['b1 answer [31000]']);
    bench.leg('b1', { kind: 'acknowledged', first: false, body: sdp(5000) });
    assert.deepEqual(bench.take(), [
      'connect c/0.b from 198.51.100.11 [5000]',
      'connect c/0.a from 198.51.100.7 [4000]',
      'a acknowledge [30000]',
      'snapshot',
    ]);
  });

  test('a stream is added: ports first, the old ones stay; without ports the call goes on as it was', () => {
    const bench = up();
    bench.leg('a', { kind: 'offer', body: sdp(4000, { streams: 2 }) });
    assert.deepEqual(bench.take(), [`allocate c/0 2 ${OURS} ${OURS}`]);
    bench.input({ kind: 'media-failed', bridge: 'c/0', code: 'MEDIA_NO_PORTS', now: asWall(5) });
    assert.deepEqual(bench.take(), ['a reject 500 no-media']);
    assert.deepEqual([bench.coupling.phase, bench.coupling.paths[0]?.streams], ['up', 1]);
    bench.leg('a', { kind: 'offer', body: sdp(4000, { streams: 2 }) }).allocated('c/0', 2);
    assert.deepEqual(bench.take(), [`allocate c/0 2 ${OURS} ${OURS}`, 'b1 offer [31000 31002]']);
    bench.leg('b1', { kind: 'offer-answered', body: sdp(5000, { streams: 2 }) });
    assert.equal(bench.take().at(-2), 'a answer [30000 30002]');
  });

  test('before the call is up there is nothing to be offered', () => {
    const bench = new Bench().allocated();
    bench.take();
    bench.leg('b1', { kind: 'offer', body: sdp(5000) });
    assert.deepEqual(bench.take(), ['b1 reject 488 not-in-a-call']);
  });
});

suite('coupling, other requests', () => {
  const info = (method: string): LegEvent => ({ kind: 'request', key: 7, method: assumeOctets(method) });

  test('a phone’s challenge, redirection or 481 to a request is not the other’s: 480', () => {
    const bench = up();
    for (const [said, told] of [401, 407, 302, 481, 415].map((s) => [s, s === 415 ? 415 : 480])) {
      bench.leg('a', info('INFO')).leg('b1', { kind: 'reply', context: 7, status: said ?? 0 });
      assert.deepEqual(bench.take(), ['b1 send INFO', `a respond ${told}`]);
    }
  });

  test('RFC 6086 INFO goes to the other side, and its answer back', () => {
    const bench = up();
    bench.leg('a', { ...info('INFO'), body: NOT_SDP } as LegEvent);
    assert.deepEqual(bench.take(), ['b1 send INFO []']);
    bench.leg('b1', { kind: 'reply', context: 7, status: 200 });
    assert.deepEqual(bench.take(), ['a respond 200']);
  });

  test('while it rings there is nobody to pass it to; OPTIONS is answered here, the rest not allowed', () => {
    const bench = new Bench().allocated();
    bench.take();
    bench.leg('a', info('INFO')).leg('a', info('OPTIONS')).leg('a', info('UPDATE')).leg('a', info('REFER'));
    assert.deepEqual(bench.take(), ['a respond 480', 'a respond 200', 'a respond 405', 'a respond 405']);
  });
});

suite('coupling, any order of events', () => {
  test('every leg that was called is told, every bridge released, exactly once, and the end is said once', () => {
    for (let seed = 1; seed <= 3000; seed += 1) play(seed);
  });
});

/** Plays random events, those that real legs and media could give, then ends what is left. */
function play(seed: number): void {
  let x = seed;
  const below = (n: number): number => {
    x = (x * 48_271) % 0x7fffffff;
    return x % n;
  };
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const forks = Array.from({ length: 1 + below(3) }, () => ({ group: below(2), bind: pick([OURS, OURS6]) }));
  const lowest = Math.min(...forks.map(({ group }) => group));
  const planned = forks.map((fork) => ({ ...fork, group: fork.group - lowest }));
  const bench = new Bench({ offer: below(4) === 0 ? undefined : sdp(4000, { streams: 1 + below(2) }), forks: planned });
  const world = new World(bench, `seed ${seed}`);
  for (let i = 0; i < 40; i += 1) {
    world.see();
    const live = world.liveLegs();
    const asked = [...world.asked];
    if (asked.length > 0 && below(2) === 0) {
      const bridge = pick(asked);
      world.asked.delete(bridge);
      const streams = world.streams.get(bridge) ?? 1;
      if (below(6) > 0) bench.allocated(bridge, streams);
      else bench.input({ kind: 'media-failed', bridge, code: 'MEDIA_NO_PORTS', now: asWall(1) });
    } else if (live.length > 0) {
      const leg = pick(live);
      const event = pick(leg === 'a' ? OF_CALLER : OF_CALLEE);
      if (event.kind === 'ended') world.ended(leg);
      bench.leg(leg, event);
    }
  }
  world.see();
  bench.input({ kind: 'hang-up', why: because('over'), now: asWall(2) });
  for (const bridge of world.asked) bench.allocated(bridge);
  world.see();
  world.judge();
}

const OF_BOTH: readonly LegEvent[] = [
  { kind: 'offer', body: sdp(4000) },
  { kind: 'offer' },
  { kind: 'offer-withdrawn' },
  { kind: 'offer-answered', body: sdp(5000, { streams: 2 }) },
  { kind: 'offer-answered' },
  { kind: 'offer-failed', status: 491 },
  { kind: 'acknowledged', first: false, body: sdp(4000) },
  { kind: 'acknowledged', first: true },
  { kind: 'request', key: 1, method: octets`INFO` },
  { kind: 'reply', context: 1, status: 200 },
  { kind: 'ended', by: 'remote', cause: 'hung-up' },
];
const OF_CALLER = OF_BOTH;
const OF_CALLEE: readonly LegEvent[] = [
  ...OF_BOTH,
  { kind: 'progress', status: 180 },
  { kind: 'progress', status: 183, body: sdp(5000) },
  { kind: 'answered', body: sdp(5000) },
  { kind: 'answered' },
  { kind: 'ended', by: 'remote', cause: 'rejected', status: 486 },
  { kind: 'ended', by: 'local', cause: 'no-answer', status: 408 },
];

/** What legs and media would know: who is on the line, which bridges there are. */
class World {
  readonly asked: Set<string> = new Set();
  readonly streams: Map<string, number> = new Map();
  readonly #bench: Bench;
  readonly #seed: string;
  readonly #on: Set<string> = new Set(['a']);
  readonly #told: Map<string, number> = new Map();
  readonly #bridges: Set<string> = new Set();
  readonly #lines: string[] = [];
  #ends = 0;

  constructor(bench: Bench, seed: string) {
    this.#bench = bench;
    this.#seed = seed;
  }

  liveLegs(): readonly string[] {
    return [...this.#on];
  }

  /** A leg is gone by itself: it need not be told. */
  ended(leg: string): void {
    this.#on.delete(leg);
  }

  see(): void {
    for (const line of this.#bench.take()) {
      this.#lines.push(line);
      const [first = '', second = '', third = ''] = line.split(' ');
      if (first === 'call') this.#on.add(second);
      else if (first === 'allocate') {
        this.asked.add(second);
        this.streams.set(second, Number(third));
        this.#bridges.add(second);
      } else if (first === 'release') {
        assert.ok(this.#bridges.delete(second), this.#story(`${second} released twice`));
      } else if (first === 'ended') this.#ends += 1;
      else if (second === 'hang-up' || (second === 'reject' && this.#bench.coupling.phase === 'ended')) {
        if (third !== '491' && third !== '488') this.#told.set(first, (this.#told.get(first) ?? 0) + 1);
        this.#on.delete(first);
      }
    }
  }

  judge(): void {
    assert.equal(this.#bench.coupling.phase, 'ended', this.#story('not ended'));
    assert.equal(this.#ends, 1, this.#story('the end was not said once'));
    assert.deepEqual([...this.#bridges], [], this.#story('bridges are left'));
    for (const [leg, times] of this.#told) assert.equal(times, 1, this.#story(`${leg} was told ${times} times`));
    assert.deepEqual([...this.#on], [], this.#story('legs are left'));
  }

  #story(what: string): string {
    return `${this.#seed}: ${what}\n${this.#lines.join('\n')}`;
  }
}
