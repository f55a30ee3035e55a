import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encode, type Octets, octets } from '@strowger/proto';
import { makeChallenge, NonceStore, passwordAccount, readCredentials, verify } from '@strowger/sip/auth';
import { composeResponse, type SipRequest } from '@strowger/sip/message';
import type { StackEvent } from '@strowger/sip/stack';
import {
  type Binding,
  composeRegisterResponse,
  DEFAULT_REGISTER_POLICY,
  decideRegister,
  readRegister,
} from '@strowger/sip/ua';
import {
  assertNothingLeft,
  type Behaviour,
  createPhone,
  formatLadder,
  type LinkConditions,
  type PacketRecord,
  type Phone,
  type PhoneOptions,
  PhoneWire,
  story,
  VirtualClock,
  VirtualNetwork,
  whatIsLeft,
} from './index.ts';

const REALM = octets`example.test`;

/** Two phones that call each other without a server between. */
async function pair(
  seed: number,
  options: {
    readonly conditions?: Partial<LinkConditions>;
    readonly bob?: Partial<PhoneOptions>;
    readonly transport?: 'udp' | 'tcp';
  } = {},
) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed, conditions: options.conditions ?? {} });
  const common = { domain: 'example.test', transport: options.transport ?? 'udp' } as const;
  const alice = await createPhone({
    ...common,
    host: network.host('alice', '192.0.2.1'),
    user: 'alice',
    server: { address: '192.0.2.2', port: 5060 },
  });
  const bob = await createPhone({
    ...common,
    host: network.host('bob', '192.0.2.2'),
    user: 'bob',
    server: { address: '192.0.2.1', port: 5060 },
    ...options.bob,
  });
  return { clock, network, alice, bob };
}

/** What nonces are bound to: there is one phone. */
const PEER = octets`192.0.2.1`;

/** A registrar with digest that refuses every call with 486 once its caller has shown who it is. */
async function withServer(options: Partial<PhoneOptions> = {}, minimum = 60) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed: 1 });
  const host = network.host('server', '192.0.2.100');
  const key = encode('0123456789abcdef0123456789abcdef');
  const nonces = new NonceStore({ key, boot: octets`00000001`, random: host.random, lifetime: 600_000 });
  const account = passwordAccount({ user: octets`alice`, realm: REALM, password: octets`secret` });
  const bindings: { current: readonly Binding[] } = { current: [] };

  const isProven = (request: SipRequest): boolean => {
    const read = readCredentials(request.rawAll('Authorization'), REALM);
    if (read.kind !== 'credentials') return false;
    const { method, uriText } = request;
    const now = clock.wall();
    const verdict = verify({
      credentials: read.credentials,
      method,
      uriText,
      realm: REALM,
      account,
      nonces,
      binding: PEER,
      now,
    });
    return verdict.kind === 'accepted';
  };
  const answer = (request: SipRequest): Octets => {
    const toTag = octets`server`;
    if (!isProven(request)) {
      const values = makeChallenge({
        realm: REALM,
        nonce: nonces.issue(REALM, PEER, clock.wall()),
        algorithms: ['SHA-256', 'MD5'],
      });
      return composeResponse(request, 401, {
        toTag,
        fields: values.map((value) => ['WWW-Authenticate', value] as const),
      });
    }
    if (request.method !== 'REGISTER') return composeResponse(request, 486, { toTag });
    const register = readRegister(request);
    assert.ok(register.ok);
    const policy = { ...DEFAULT_REGISTER_POLICY, minExpires: minimum };
    const local = { address: '192.0.2.100', port: 5060 };
    const received = { node: 1, boot: '1', transport: 'udp', local, remote: local } as const;
    const verdict = decideRegister(bindings.current, register.value, policy, received, clock.wall());
    if (verdict.status === 200) bindings.current = verdict.bindings;
    return composeRegisterResponse(request, verdict, { now: clock.wall(), toTag });
  };
  const wire: PhoneWire = await PhoneWire.open({
    host,
    local: { address: '192.0.2.100', port: 5060 },
    onReceive: () => true,
    onClosed: () => {},
    onEvent: (event: StackEvent) => {
      if (event.kind === 'request') wire.stack.respond(event.key, answer(event.request), wire.now());
    },
  });
  const phone = await createPhone({
    host: network.host('alice', '192.0.2.1'),
    user: 'alice',
    domain: 'example.test',
    password: 'secret',
    server: { address: '192.0.2.100', port: 5060 },
    ...options,
  });
  return { clock, network, phone, bindings };
}

const tail = (phone: Phone): string[] => phone.transcript.map((line) => line.slice(line.indexOf(' ') + 1));

suite('scripted phone', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`RFC 3665 §3.1 over ${transport}: rings, is answered, talks, hangs up, and nothing is left`, async () => {
      const { clock, network, alice, bob } = await pair(1, {
        transport,
        bob: { behaviour: { kind: 'answer', afterMs: 2000 } },
      });
      const call = alice.call('bob');
      await clock.run(1000);
      assert.equal(call.phase, 'ringing');
      await clock.run(9000);
      assert.deepEqual([call.phase, bob.lastCall?.phase], ['talking', 'talking']);
      assert.deepEqual(call.heard, { address: '192.0.2.2', port: 40_002, direction: 'sendrecv' });
      call.hangUp();
      await clock.run(40_000);
      assert.deepEqual(tail(alice), [
        'call 1: calls sip:bob@example.test',
        'call 1: 180',
        'call 1: talking',
        'call 1: ended by local: hung-up',
      ]);
      assert.deepEqual(tail(bob).slice(0, 3), [
        'call 1: rings, from alice',
        'call 1: talking',
        'call 1: ended by remote: hung-up',
      ]);
      assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers() });
    });
  }

  test('the ladder of a call', async () => {
    const { clock, network, alice } = await pair(1);
    const call = alice.call('bob');
    await clock.run(1000);
    call.hangUp();
    await clock.run(1000);
    assert.deepEqual(
      formatLadder(network.packets)
        .split('\n')
        .map((line) => line.replace(/sip:\S+/, 'sip:…')),
      [
        '          alice           bob',
        '   0.000  |-------------->|  INVITE sip:… SIP/2.0  (1 INVITE)',
        '   0.010  |<--------------|  SIP/2.0 200 OK  (1 INVITE)',
        '   0.020  |-------------->|  ACK sip:… SIP/2.0  (1 ACK)',
        '   1.000  |-------------->|  BYE sip:… SIP/2.0  (2 BYE)',
        '   1.010  |<--------------|  SIP/2.0 200 OK  (2 BYE)',
      ],
    );
  });

  test('busy, declined, refused later, never answered, switched off', async () => {
    const cases = [
      [{ kind: 'busy' }, 'rejected', 486],
      [{ kind: 'decline' }, 'rejected', 603],
      [{ kind: 'reject', status: 480, afterMs: 3000 }, 'rejected', 480],
      [{ kind: 'ring' }, 'cancelled', 180],
      [{ kind: 'silent' }, 'timeout', 408],
    ] as const;
    for (const [behaviour, cause, status] of cases) {
      const { clock, network, alice, bob } = await pair(2, { bob: { behaviour } });
      const call = alice.call('bob');
      await clock.run(20_000);
      if (behaviour.kind === 'ring') call.hangUp();
      await clock.run(60_000);
      assert.deepEqual([call.phase, call.cause, call.status], ['ended', cause, status], behaviour.kind);
      assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers() });
    }
  });

  test('RFC 3264 §8.4 hold and resume: the other side hears of it', async () => {
    const { clock, network, alice, bob } = await pair(3);
    const call = alice.call('bob');
    await clock.run(1000);
    call.hold();
    await clock.run(1000);
    assert.deepEqual([call.heard?.direction, bob.lastCall?.heldByPeer], ['recvonly', true]);
    call.resume();
    await clock.run(1000);
    assert.deepEqual([call.heard?.direction, bob.lastCall?.heldByPeer], ['sendrecv', false]);
    bob.lastCall?.hangUp();
    await clock.run(40_000);
    assert.deepEqual(tail(bob), [
      'call 1: rings, from alice',
      'call 1: talking',
      'call 1: held by peer',
      'call 1: resumed by peer',
      'call 1: ended by local: hung-up',
    ]);
    assertNothingLeft(network, { alice: alice.leftovers(), bob: bob.leftovers() });
  });

  test('RFC 3261 §22 registers with digest, refreshes by itself, and takes itself off', async () => {
    const { clock, network, phone, bindings } = await withServer();
    phone.register(100);
    await clock.run(1000);
    assert.ok(phone.registered);
    assert.equal(bindings.current.length, 1);
    await clock.run(100_000);
    assert.equal(network.packets.filter((p) => p.text.startsWith('SIP/2.0 200')).length, 2);
    phone.unregister();
    await clock.run(40_000);
    assert.deepEqual(tail(phone), ['registered for 100 s', 'registered for 100 s', 'not registered any more']);
    assert.deepEqual(bindings.current, []);
    assertNothingLeft(network, { phone: phone.leftovers() });
  });

  test('RFC 3261 §10.3 a 423 is answered with the longer time; a wrong password is given up', async () => {
    const brief = await withServer({}, 600);
    brief.phone.register(30);
    await brief.clock.run(1000);
    assert.equal(brief.phone.registration.granted, 600);
    const wrong = await withServer({ password: 'guess' });
    wrong.phone.register();
    await wrong.clock.run(1000);
    assert.deepEqual([wrong.phone.registration.state, wrong.phone.registration.status], ['failed', 401]);
    assert.deepEqual(tail(wrong.phone), ['challenge not answered: rejected', 'registration failed 401']);
  });

  test('RFC 3261 §22.2 a challenged INVITE goes again with credentials and a higher CSeq', async () => {
    const { clock, network, phone } = await withServer();
    const call = phone.call('200');
    await clock.run(40_000);
    assert.deepEqual([call.phase, call.status], ['ended', 486]);
    assert.deepEqual(
      network.packets.filter((p) => p.text.startsWith('INVITE')).map((p) => /CSeq: (\d+)/.exec(p.text)?.[1]),
      ['1', '2'],
    );
    assertNothingLeft(network, { phone: phone.leftovers() });
  });

  test('a dead network: it says so, and tries again if told to', async () => {
    const { clock, network, phone } = await withServer();
    network.cut('alice', 'server');
    phone.registration.retryMs = 10_000;
    phone.register();
    await clock.run(33_000);
    assert.equal(phone.registration.status, 408);
    network.mend('alice', 'server');
    await clock.run(10_000);
    assert.ok(phone.registered);
  });

  test('what is left is named, with the seed and the ladder', async () => {
    const { clock, network, alice } = await pair(77);
    alice.call('bob');
    await clock.run(100);
    assert.match(whatIsLeft({ alice: alice.leftovers() }).join(), /alice: 1 calls/);
    assert.throws(
      () => assertNothingLeft(network, { alice: alice.leftovers() }),
      /alice: 1 calls[\s\S]*seed 77[\s\S]*INVITE/,
    );
  });

  test('any order of actions over a bad network: every call ends, and nothing is left', async () => {
    for (let seed = 1; seed <= 40; seed += 1) await wildRun(seed);
  });

  test('one seed is one run, to the last octet of every packet', async () => {
    const [first, second, other] = [await wildRun(7), await wildRun(7), await wildRun(11)];
    assert.ok(first.length > 30, `${first.length} packets`);
    assert.deepEqual(second, first);
    assert.notDeepEqual(other, first);
  });
});

/** Two phones that call, hold, resume and hang up as a seed says, while packets are lost, doubled and reordered. */
async function wildRun(seed: number): Promise<readonly PacketRecord[]> {
  const conditions = { loss: 0.15, duplicate: 0.05, reorder: 0.1, jitterMs: 40 };
  const { clock, network, alice, bob } = await pair(seed, { conditions, transport: seed % 4 === 0 ? 'tcp' : 'udp' });
  const prng = network.prng.fork('script');
  for (let i = 0; i < 25; i += 1) {
    const phone = prng.pick([alice, bob]);
    phone.behaviour = prng.pick<Behaviour>([
      { kind: 'answer' },
      { kind: 'answer', afterMs: prng.below(5000) },
      { kind: 'busy' },
      { kind: 'ring' },
    ]);
    const call = phone.calls[prng.below(Math.max(1, phone.calls.length))];
    const action = prng.below(5);
    if (action === 0 || !call) phone.call(phone === alice ? 'bob' : 'alice');
    else if (action === 1) call.hold();
    else if (action === 2) call.resume();
    else call.hangUp();
    await clock.run(prng.below(6000));
  }
  // 64·T1 after the last word, on a sound network: whoever talks, talks with somebody.
  network.setConditions({ loss: 0 });
  await clock.run(40_000);
  const talking = (phone: Phone) => phone.calls.filter((c) => c.phase === 'talking').map((c) => c.callId);
  assert.deepEqual(new Set(talking(alice)), new Set(talking(bob)), story(network, 'a ghost call'));
  network.setConditions(conditions);
  for (const call of [...alice.calls, ...bob.calls]) call.hangUp();
  await clock.run(300_000);
  const left = whatIsLeft({ alice: alice.leftovers(), bob: bob.leftovers() });
  assert.deepEqual(left, [], story(network, left.join('\n')));
  return network.packets;
}
