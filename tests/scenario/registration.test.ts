import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Octets, octets } from '@strowger/proto';
import { parseMessage } from '@strowger/sip/message';
import { Rig } from './support/rig.ts';
import { SERVER_ADDRESS } from './support/server.ts';
import { Voice } from './support/voice.ts';

const TO_SERVER = { address: SERVER_ADDRESS, port: 5060 };

suite('registering with a whole server', () => {
  test('RFC 3665 §2.1 challenged, registered, refreshed, removed', async () => {
    const rig = await Rig.start();
    const alice = await rig.phone('alice', '1001');
    assert.deepEqual(rig.said(), [
      'alice → server REGISTER',
      'server → alice 401 REGISTER',
      'alice → server REGISTER',
      'server → alice 200 REGISTER',
    ]);
    await rig.clock.run(3600_000);
    assert.deepEqual(rig.said(), [
      'alice → server REGISTER',
      'server → alice 401 REGISTER',
      'alice → server REGISTER',
      'server → alice 200 REGISTER',
    ]);
    assert.equal(rig.server.bindings('1001').length, 1);
    alice.unregister();
    await rig.over();
    assert.equal(rig.server.bindings('1001').length, 0);
  });

  test('RFC 3261 §10.3 without a refresh a binding is gone when its time is over, and calls to it end with 480', async () => {
    const rig = await Rig.start();
    const alice = await rig.phone('alice', '1001');
    const bob = await rig.phone('bob', '1002', { registers: false });
    bob.registration.refreshes = false;
    bob.register(60);
    await rig.clock.run(59_000);
    assert.equal(rig.server.bindings('1002').length, 1);
    await rig.clock.run(2000);
    const call = alice.call('1002');
    await rig.over();
    assert.equal(call.status, 480);
    assert.equal(rig.server.bindings('1002').length, 0);
  });

  test('RFC 3261 §22 a wrong password: no binding, and the phone gives up', async () => {
    const rig = await Rig.start();
    const mallory = await rig.phone('mallory', '1001', { password: 'guessed', registers: false });
    mallory.register();
    await rig.over();
    assert.deepEqual(rig.said(), [
      'mallory → server REGISTER',
      'server → mallory 401 REGISTER',
      'mallory → server REGISTER',
      'server → mallory 401 REGISTER',
    ]);
    assert.equal(mallory.registration.state, 'failed');
    assert.equal(rig.server.bindings('1001').length, 0);
  });

  test('RFC 3261 §22 a user that there is not is answered as a wrong password is, octet for octet but what is random', async () => {
    const answers: string[] = [];
    for (const user of ['1001', '4711']) {
      const rig = await Rig.start();
      const mallory = await rig.phone('mallory', user, { password: 'guessed', registers: false });
      mallory.register();
      await rig.clock.run(1000);
      answers.push(
        rig.network.packets
          .filter(({ fromHost }) => fromHost === 'server')
          .map(({ text }) => anonymous(text))
          .join(),
      );
    }
    assert.equal(answers[1], answers[0]);
  });

  test('RFC 3261 §10.3 step 4 one device does not register for the extension of another, whatever its password', async () => {
    const rig = await Rig.start();
    const mallory = await rig.phone('mallory', '1001');
    const asked = octets`REGISTER sip:example.test SIP/2.0\r
Via: SIP/2.0/UDP 198.51.100.1:5099;branch=z9hG4bK1;rport\r
Max-Forwards: 70\r
From: <sip:1001@example.test>;tag=1\r
To: <sip:1002@example.test>\r
Call-ID: forged\r
CSeq: 1 REGISTER\r
Contact: <sip:1002@198.51.100.1:5099>\r
`;
    rig.mark();
    await send(rig, 'mallory', octets`${asked}\r\n`);
    const challenge = parseMessage(rig.network.packets.at(-1)?.text ?? octets``);
    assert.ok(challenge.kind === 'message' && challenge.message.kind === 'response');
    const proof = mallory.login.answer(challenge.message, 'REGISTER', octets`sip:example.test`, []);
    const [name, value] = proof?.fields[0] ?? [];
    const again = asked.replace('z9hG4bK1', 'z9hG4bK2').replace('CSeq: 1', 'CSeq: 2');
    await send(rig, 'mallory', `${again}${name}: ${value}\r\n\r\n` as Octets);
    assert.deepEqual(rig.said(), [
      'mallory → server REGISTER',
      'server → mallory 401 REGISTER',
      'mallory → server REGISTER',
      'server → mallory 403 REGISTER',
    ]);
    assert.equal(rig.server.bindings('1002').length, 0);
  });

  test('RFC 7616 §3.3 the credentials of a REGISTER sent again by somebody else: challenged anew, nothing changes', async () => {
    const rig = await Rig.start();
    await rig.phone('alice', '1001');
    const heard = rig.network.packets.find(({ text }) => text.includes('Authorization'))?.text ?? '';
    const before = rig.server.bindings('1001');
    const replay = heard
      .replace(/branch=[^;\r]+/, 'branch=z9hG4bKreplay')
      .replace(/CSeq: \d+/, 'CSeq: 99')
      .replace(/Contact: <sip:1001@[^>]*>/, 'Contact: <sip:1001@203.0.113.66:5060>');
    rig.network.host('mallory', '203.0.113.66');
    rig.mark();
    await send(rig, 'mallory', replay as Octets);
    const [, answer] = rig.said();
    assert.equal(answer, 'server → mallory 401 REGISTER');
    const challenge = rig.network.packets.at(-1)?.text ?? '';
    assert.match(challenge, /stale=true/i);
    assert.deepEqual(rig.server.bindings('1001'), before);
  });

  test('RFC 3261 §10.3 a REGISTER that comes late, after a newer one, changes nothing', async () => {
    const rig = await Rig.start();
    const alice = await rig.phone('alice', '1001');
    const old = rig.network.packets.filter(({ text }) => text.startsWith('REGISTER')).at(-1)?.text ?? octets``;
    alice.unregister();
    await rig.clock.run(40_000);
    assert.equal(rig.server.bindings('1001').length, 0);
    await send(rig, 'alice', old);
    assert.equal(rig.server.bindings('1001').length, 0, 'the retransmission of 40 s ago does not bring it back');
  });

  test('RFC 5626 §5.3 the NAT gives a phone a new address in the middle of a call: once it has registered, all goes there', async () => {
    const rig = await Rig.start();
    const nat = rig.network.nat('nat', '203.0.113.1', { udpMs: 120_000 });
    const alice = await rig.phone('alice', '1001');
    const bob = await rig.phone('bob', '1002', { host: nat.host('bob', '10.0.0.7') });
    const call = alice.call('1002');
    await rig.clock.run(3000);
    assert.equal(bob.lastCall?.phase, 'talking', rig.story('not talking'));
    nat.forget();
    bob.register();
    await rig.clock.run(1000);
    const [binding] = rig.server.bindings('1002');
    assert.equal(rig.server.bindings('1002').length, 1, 'still one phone');
    rig.mark();
    call.hold();
    await rig.clock.run(1000);
    assert.ok(bob.lastCall?.heldByPeer, rig.story('the re-INVITE went astray'));
    const reinvite = rig.network.packets.findLast(({ text, toHost }) => text.startsWith('INVITE') && toHost === 'bob');
    assert.equal(reinvite?.to.port, binding?.received.remote.port);
    call.hangUp();
    await rig.over();
    assert.equal(bob.lastCall?.phase, 'ended');
  });

  test('ARCHITECTURE, Calls Wi-Fi turns into 4G: registered from its new address, the phone re-INVITEs and is heard from there', async () => {
    for (const mover of ['alice', 'bob'] as const) {
      const rig = await Rig.start();
      const nat = rig.network.nat('nat', '203.0.113.1', { udpMs: 120_000 });
      const behind = { host: nat.host(mover, '10.0.0.7') };
      const alice = await rig.phone('alice', '1001', mover === 'alice' ? behind : {});
      const bob = await rig.phone('bob', '1002', mover === 'bob' ? behind : {});
      const a = alice.call('1002');
      await rig.clock.run(3000);
      const b = bob.lastCall;
      assert.ok(b?.phase === 'talking', rig.story('not talking'));
      const voices = [await Voice.open(alice, a, 1), await Voice.open(bob, b, 2)] as const;
      await bothHeard(rig, voices);
      nat.forget('198.18.0.9');
      (mover === 'alice' ? alice : bob).register();
      await rig.clock.run(1000);
      (mover === 'alice' ? a : b).resume();
      await rig.clock.run(1000);
      await bothHeard(rig, voices);
      (mover === 'alice' ? b : a).hangUp();
      await rig.over();
    }
  });

  test('the same for a caller: its call follows its registration', async () => {
    const rig = await Rig.start();
    const nat = rig.network.nat('nat', '203.0.113.1', { udpMs: 120_000 });
    const alice = await rig.phone('alice', '1001', { host: nat.host('alice', '10.0.0.7') });
    const bob = await rig.phone('bob', '1002');
    const call = alice.call('1002');
    await rig.clock.run(3000);
    assert.equal(call.phase, 'talking', rig.story('not talking'));
    nat.forget();
    alice.register();
    await rig.clock.run(1000);
    bob.lastCall?.hangUp();
    await rig.over();
    assert.deepEqual([call.phase, call.endedBy], ['ended', 'remote'], rig.story('the BYE went astray'));
  });
});

/** Both speak: the first packets may be lost while the relay learns where from. */
async function bothHeard(rig: Rig, voices: readonly [Voice, Voice]): Promise<void> {
  for (const voice of voices) {
    voice.heard.clear();
    voice.speak(20);
  }
  await rig.clock.run(1000);
  const [first, second] = voices;
  const counts = [first.heard.get(second.ssrc) ?? 0, second.heard.get(first.ssrc) ?? 0];
  assert.ok(
    counts.every((n) => n >= 15),
    rig.story(`heard ${counts.join(' and ')} packets of 20`),
  );
}

/** Sends octets from a host of the network as they are, and lets the answer come. */
async function send(rig: Rig, from: string, text: Octets): Promise<void> {
  const host = rig.network.hosts.find(({ name }) => name === from);
  assert.ok(host);
  const udp = host.createUdpSet();
  const socket = await udp.bind({ address: host.addresses[0] ?? '', port: 5099 });
  udp.send(socket, octets`${text}`, TO_SERVER);
  await rig.clock.run(1000);
  await udp.closeAll();
}

const anonymous = (text: string): string =>
  text
    .replaceAll(/nonce="[^"]*"/g, 'nonce')
    .replaceAll(/tag=[\w.-]+/g, 'tag')
    .replaceAll(/branch=[\w.-]+/g, 'branch')
    .replaceAll(/Call-ID: .*/g, 'Call-ID')
    .replaceAll('4711', '1001');
