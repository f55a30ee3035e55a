import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Flow, Octets } from '@strowger/proto';
import { octets } from '@strowger/proto';
import { composeResponse } from '../message/compose.ts';
import { via } from '../message/headers/via.ts';
import { param } from '../message/params.ts';
import { answers, BOB, flowToBob, pair, requestText, send, told } from './phones.ts';

suite('SIP stack, what it refuses and survives', () => {
  test('no listener for the target’s family: the failure comes after the key', () => {
    const { wire, alice } = pair();
    const key = send(alice, wire, 'OPTIONS', {
      kind: 'address',
      transport: 'udp',
      remote: { address: '2001:db8::1', port: 5060 },
    });
    assert.deepEqual(told(alice), []);
    wire.runTo(1);
    assert.deepEqual(alice.events, [{ kind: 'failed', key, owner: 'owner', reason: 'transport' }]);
    assert.equal(alice.stack.counts().client, 0);
  });

  test('RFC 3261 §18.1.2 responses that are not ours are dropped; forged random bits make them strays', () => {
    const { wire, alice, bob } = pair();
    bob.on = () => {};
    send(alice, wire, 'OPTIONS');
    wire.runTo(50);
    const asked = bob.events[0];
    assert.ok(asked?.kind === 'request');
    const answer = composeResponse(asked.request, 200, { toTag: octets`b1` });
    const flow: Flow = { transport: 'udp', local: alice.at, remote: bob.at };
    alice.stack.receive(answer.replace('192.0.2.1:5060', '192.0.2.7:5060') as Octets, flow, wire.mono);
    const branch = param(asked.request.get(via)?.params ?? [], 'branch') ?? '';
    const forged = branch.slice(0, -1) + (branch.endsWith('0') ? '1' : '0');
    alice.stack.receive(answer.replace(branch, forged) as Octets, flow, wire.mono);
    alice.stack.receive(answer.replace('1 OPTIONS', '1 MESSAGE') as Octets, flow, wire.mono);
    alice.stack.receive(answer, flow, wire.mono);
    assert.deepEqual(told(alice), ['discarded via-not-ours', 'stray 200', 'stray 200', 'response 200']);
  });

  test('RFC 3581 §4, RFC 3261 §22.1 who overheard a branch can neither answer its request nor cancel it from elsewhere', () => {
    const { wire, alice, bob } = pair();
    bob.on = () => {};
    send(alice, wire, 'INVITE');
    wire.runTo(50);
    const asked = bob.events[0];
    assert.ok(asked?.kind === 'request');
    const eve = { address: '192.0.2.66', port: 5060 };
    const answer = composeResponse(asked.request, 200, { toTag: octets`eve` });
    alice.stack.receive(answer, { transport: 'udp', local: alice.at, remote: eve }, wire.mono);
    assert.deepEqual(told(alice), ['discarded response-from-elsewhere']);
    const cancel = asked.request.text.replaceAll('INVITE', 'CANCEL').replace(/;received=[^;\r]*/, '') as Octets;
    bob.stack.receive(cancel, { ...flowToBob(), remote: eve }, wire.mono);
    assert.match(bob.sent.at(-1)?.text ?? '', /^SIP\/2\.0 481 /);
    assert.deepEqual(told(bob), ['request INVITE']);
    bob.stack.receive(cancel, flowToBob(), wire.mono);
    assert.match(bob.sent.at(-1)?.text ?? '', /^SIP\/2\.0 200 /);
    assert.deepEqual(told(bob), ['request INVITE', 'cancel CANCEL']);
  });

  test('RFC 3261 §8.2 malformed requests are answered without state, an ACK or a response never', () => {
    const { wire, bob } = pair();
    const good = requestText('OPTIONS').split('\r\n').slice(1).join('\r\n');
    const top = 'SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKm\r\n';
    const receive = (text: string) => bob.stack.receive(text as Octets, flowToBob(), wire.mono);
    receive(`OPTIONS sip:b ${top}${good.replace(/Call-ID: .*\r\n/, '')}`);
    receive(`OPTIONS sip:b ${top}${good.replace(/Call-ID: .*\r\n/, '')}`);
    receive(`ACK sip:b ${top}${good}`);
    receive(`SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKm\r\n\r\n`);
    receive('complete nonsense\r\n\r\n');
    receive(`OPTIONS sip:b SIP/2.0\r\nVia: nonsense\r\n${good}`);
    receive(`OPTIONS sip:b SIP/2.0\r\n${good}`);
    const codes = bob.events.map((event) => event.kind === 'discarded' && event.status);
    assert.deepEqual(codes, [400, 400, undefined, undefined, undefined, 400, undefined]);
    assert.equal(bob.sent.length, 3);
    // RFC 4475 §3.1.2.1: a Via that says nothing of the way back.
    assert.deepEqual(bob.sent[2]?.to, { kind: 'flow', flow: flowToBob() });
    assert.equal(bob.sent[0]?.text, bob.sent[1]?.text, '§8.2.7: the same To tag each time');
    assert.match(bob.sent[0]?.text ?? '', /^SIP\/2\.0 400 /);
    assert.equal(bob.stack.counts().server, 0);
  });

  test('at the cap new requests are answered 503 with Retry-After, without state; those in progress go on', () => {
    const { wire, alice, bob } = pair({ maxTransactions: 1 });
    send(alice, wire, 'INVITE');
    send(alice, wire, 'OPTIONS', BOB, { seq: 2 });
    wire.runTo(100);
    assert.deepEqual(told(alice), ['response 503']);
    assert.match(bob.sent[0]?.text ?? '', /^SIP\/2\.0 503 [\s\S]*Retry-After: \d+/);
    assert.equal(bob.stack.counts().overloaded, 1);
    const asked = bob.events[0];
    assert.ok(asked?.kind === 'request');
    answers(bob, wire, 486)(asked);
    wire.runTo(200);
    assert.deepEqual(told(alice), ['response 503', 'response 486']);
  });

  test('RFC 3261 §26.3.2.4 a stranger is dismissed once: nothing is kept, nothing comes again, and a retransmission is answered alike', () => {
    const { wire, bob } = pair();
    bob.on = (event) => {
      if (event.kind === 'request') bob.stack.dismiss(event.key, event, { status: 407 });
    };
    const invite = requestText('INVITE').replace('\r\n', '\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKd\r\n');
    const receive = () => bob.stack.receive(invite as Octets, flowToBob(), wire.mono);
    receive();
    assert.equal(bob.stack.counts().server, 0);
    wire.runTo(40_000);
    assert.equal(bob.sent.length, 1);
    receive();
    assert.equal(bob.sent.length, 2);
    assert.match(bob.sent[0]?.text ?? '', /^SIP\/2\.0 407 [\s\S]*\r\nTo: [^\r]*;tag=/);
    assert.equal(bob.sent[0]?.text, bob.sent[1]?.text, '§8.2.7');
  });

  test('RFC 3261 §17.2.3 a peer of RFC 2543, without the magic cookie: INVITE, retransmission, ACK by To tag', () => {
    const { wire, bob } = pair();
    bob.on = answers(bob, wire, 486);
    const invite = (method: string, to: string) =>
      `${method} sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>${to}\r\nCall-ID: old\r\nCSeq: 7 ${method}\r\n\r\n` as Octets;
    bob.stack.receive(invite('INVITE', ''), flowToBob(), wire.mono);
    bob.stack.receive(invite('INVITE', ''), flowToBob(), wire.mono);
    assert.equal(bob.sent.length, 2);
    bob.stack.receive(invite('ACK', ';tag=other'), flowToBob(), wire.mono);
    bob.stack.receive(invite('ACK', ';tag=b1'), flowToBob(), wire.mono);
    wire.runTo(31_000);
    assert.deepEqual(told(bob), ['request INVITE', 'ack ACK']);
    assert.equal(bob.sent.length, 2);
    assert.equal(bob.stack.counts().server, 0);
  });

  test('RFC 5626 §4.4.1 a ping over a stream is answered, over UDP not', () => {
    const { wire, bob } = pair();
    bob.stack.receive('\r\n\r\n' as Octets, flowToBob(), wire.mono);
    bob.stack.receive('\r\n\r\n' as Octets, { ...flowToBob(), transport: 'tcp', connection: 1 }, wire.mono);
    assert.deepEqual(
      bob.sent.map(({ text }) => text),
      ['\r\n'],
    );
  });

  test('RFC 3261 §17.1.4 a send that the host reports as failed ends the transaction once', () => {
    const { wire, alice } = pair();
    wire.lose = () => true;
    send(alice, wire, 'INVITE');
    const packet = alice.sent[0];
    assert.ok(packet);
    alice.stack.sendFailed(packet, wire.mono);
    alice.stack.sendFailed(packet, wire.mono);
    wire.runTo(60_000);
    assert.deepEqual(told(alice), ['failed transport']);
  });
});
