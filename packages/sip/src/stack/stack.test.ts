import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Flow, type Octets, octets } from '@strowger/proto';
import { answers, BOB, BOB_TCP, flowToBob, pair, requestText, send, told } from './phones.ts';

suite('SIP stack', () => {
  test('RFC 3261 §17 a refused INVITE over UDP: 100 after 200 ms, 486, ACK, and nothing is left', () => {
    const { wire, alice, bob } = pair();
    bob.on = (event) => {
      if (event.kind === 'request') wire.after(1_000, () => answers(bob, wire, 486)(event));
    };
    send(alice, wire, 'INVITE');
    wire.runTo(2_000);
    assert.deepEqual(wire.ladder, [
      '0 alice udp INVITE sip:bob@192.0.2.2',
      '210 bob udp 100 Trying',
      '1010 bob udp 486 Busy Here',
      '1020 alice udp ACK sip:bob@192.0.2.2',
    ]);
    assert.deepEqual(told(alice), ['response 100', 'response 486']);
    assert.deepEqual(told(bob), ['request INVITE']);
    wire.runTo(60_000);
    assert.deepEqual([alice.stack.counts().client, bob.stack.counts().server], [0, 0]);
    assert.deepEqual([alice.wheel.size, bob.wheel.size], [0, 0]);
  });

  test('RFC 3261 §17.1.1.3 the ACK of a refusal: one Via, that of the INVITE, its Route, the To of the response', () => {
    const { wire, alice, bob } = pair();
    bob.on = answers(bob, wire, 486);
    send(alice, wire, 'INVITE', BOB, {
      fields: [
        ['Route', octets`<sip:192.0.2.2;lr>`],
        ['Via', octets`SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKother`],
      ],
    });
    wire.runTo(1_000);
    const [invite, ack] = alice.sent.map(({ text }) => text.split('\r\n'));
    const vias = (lines: readonly string[] | undefined) => lines?.filter((line) => line.startsWith('Via:')) ?? [];
    assert.deepEqual(vias(ack), vias(invite).slice(0, 1));
    assert.ok(ack?.includes('Route: <sip:192.0.2.2;lr>'));
    assert.ok(ack?.includes('To: <sip:bob@192.0.2.2>;tag=b1'));
    assert.ok(ack?.includes('CSeq: 1 ACK'));
  });

  test('RFC 6026 a 2xx: the TU acknowledges each, its ACK goes up, both sides end after 64·T1', () => {
    const { wire, alice, bob } = pair();
    bob.on = answers(bob, wire, 180, 200);
    alice.on = (event) => {
      if (event.kind === 'response' && event.response.status === 200)
        alice.stack.ack(requestText('ACK'), BOB, wire.mono);
    };
    send(alice, wire, 'INVITE');
    wire.runTo(1_000);
    assert.deepEqual(told(bob), ['request INVITE', 'ack ACK']);
    assert.deepEqual(told(alice), ['response 180', 'response 200']);
    wire.runTo(32_500);
    assert.deepEqual([alice.stack.counts().client, bob.stack.counts().server], [0, 0]);
  });

  test('RFC 3581 §4 received and rport are the socket’s, whatever the Via says; the answer goes back to it', () => {
    const { wire, bob } = pair();
    bob.on = answers(bob, wire, 200);
    const text =
      `OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:7;received=198.51.100.1;maddr=198.51.100.2;rport;branch=z9hG4bKx\r\n${requestText('OPTIONS').split('\r\n').slice(1).join('\r\n')}` as Octets;
    bob.stack.receive(text, flowToBob(40_000), wire.mono);
    const to = bob.sent[0]?.to;
    assert.deepEqual(to?.kind === 'flow' && to.flow.remote, { address: '192.0.2.1', port: 40_000 });
    assert.match(bob.sent[0]?.text ?? '', /received=192\.0\.2\.1;.*rport=40000;branch=z9hG4bKx\r\n/);
  });

  test('RFC 3261 §18.2.2 without rport the answer goes to the source address at the sent-by port', () => {
    const { wire, bob } = pair();
    bob.on = answers(bob, wire, 200);
    const body = requestText('OPTIONS').split('\r\n').slice(1).join('\r\n');
    const text = `OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP spoof.example:5070;branch=z9hG4bKy\r\n${body}` as Octets;
    bob.stack.receive(text, flowToBob(40_000), wire.mono);
    const to = bob.sent[0]?.to;
    assert.deepEqual(to?.kind === 'flow' && to.flow.remote, { address: '192.0.2.1', port: 5070 });
    assert.match(bob.sent[0]?.text ?? '', /spoof\.example:5070;branch=z9hG4bKy;received=192\.0\.2\.1\r\n/);
  });

  test('RFC 3261 §9 CANCEL waits for a provisional, is answered 200, told once, and the INVITE ends with 487', () => {
    const { wire, alice, bob } = pair();
    bob.on = (event) => {
      if (event.kind === 'cancel') {
        const asked = bob.events.find((each) => each.kind === 'request');
        if (asked?.kind === 'request') answers(bob, wire, 487)(asked);
      }
    };
    const key = send(alice, wire, 'INVITE');
    alice.stack.cancel(key, wire.mono, [['Reason', octets`SIP;cause=200`]]);
    wire.runTo(1_000);
    assert.deepEqual(wire.ladder, [
      '0 alice udp INVITE sip:bob@192.0.2.2',
      '210 bob udp 100 Trying',
      '220 alice udp CANCEL sip:bob@192.0.2.2',
      '230 bob udp 200 OK',
      '230 bob udp 487 Request Terminated',
      '240 alice udp ACK sip:bob@192.0.2.2',
    ]);
    assert.deepEqual(told(bob), ['request INVITE', 'cancel CANCEL']);
    assert.deepEqual(told(alice), ['response 100', 'response 487']);
    assert.match(alice.sent[1]?.text ?? '', /Reason: SIP;cause=200/);
    wire.runTo(60_000);
    assert.equal(alice.stack.counts().client, 0);
  });

  test('RFC 3261 §9.2 a CANCEL that matches nothing is answered 481, one after the final response changes nothing', () => {
    const { wire, alice, bob } = pair();
    bob.on = answers(bob, wire, 200);
    send(alice, wire, 'INVITE');
    wire.runTo(100);
    const branch = alice.sent[0]?.text.match(/branch=(\S+)/)?.[1] ?? '';
    const cancel = (b: string) =>
      bob.stack.receive(
        `CANCEL sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=${b}\r\n${requestText('CANCEL').split('\r\n').slice(1).join('\r\n')}` as Octets,
        flowToBob(),
        wire.mono,
      );
    cancel(branch);
    cancel('z9hG4bKunknown');
    assert.deepEqual(told(bob), ['request INVITE']);
    assert.deepEqual(
      bob.sent.slice(-2).map(({ text }) => text.slice(8, 11)),
      ['200', '481'],
    );
  });

  test('RFC 3261 §18.1.1 over 1300 octets it goes over TCP; refused, over UDP with the same branch', () => {
    const { wire, alice, bob } = pair();
    bob.on = answers(bob, wire, 200);
    send(alice, wire, 'MESSAGE', BOB, { size: 1_400 });
    wire.runTo(1_000);
    assert.equal(wire.ladder[0], '0 alice tcp MESSAGE sip:bob@192.0.2.2');
    assert.match(alice.sent[0]?.text ?? '', /Via: SIP\/2\.0\/TCP 192\.0\.2\.1:5060;rport;branch=/);
    bob.listens = false;
    send(alice, wire, 'MESSAGE', BOB, { size: 1_400, seq: 2 });
    wire.runTo(2_000);
    const [, refused, again] = alice.sent.map(({ text }) => text);
    assert.match(again ?? '', /^MESSAGE .*\r\nVia: SIP\/2\.0\/UDP /);
    assert.equal(refused?.match(/branch=(\S+)/)?.[1], again?.match(/branch=(\S+)/)?.[1]);
    assert.deepEqual(told(alice), ['response 200', 'response 200']);
  });

  test('RFC 3261 §18.1.1 the size counts the Via, and a flow is kept to whatever the size', () => {
    const { wire, alice } = pair();
    const bare = requestText('MESSAGE').length;
    const viaLine = 'Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch='.length + 47 + 2;
    send(alice, wire, 'MESSAGE', BOB, { size: 1_300 - bare - viaLine - 3 + 0 });
    const size = alice.sent[0]?.text.length ?? 0;
    send(alice, wire, 'MESSAGE', BOB, { size: 1_300 - bare - viaLine - 3 + (1_300 - size) });
    send(alice, wire, 'MESSAGE', BOB, { size: 1_300 - bare - viaLine - 3 + (1_300 - size) + 1 });
    const flow: Flow = { transport: 'udp', local: alice.at, remote: { address: '192.0.2.2', port: 5060 } };
    send(alice, wire, 'MESSAGE', { kind: 'flow', flow }, { size: 3_000 });
    assert.deepEqual(
      wire.ladder.map((line) => line.split(' ')[2]),
      ['udp', 'udp', 'tcp', 'udp'],
    );
    assert.equal(alice.sent[1]?.text.length, 1_300);
  });

  test('RFC 3261 §17.1.4 a closed connection fails its client transactions at once', () => {
    const { wire, alice } = pair();
    send(alice, wire, 'INVITE', BOB_TCP);
    send(alice, wire, 'OPTIONS', BOB_TCP);
    wire.runTo(50);
    for (const connection of alice.connections) alice.close(connection);
    assert.deepEqual(told(alice), ['failed transport', 'failed transport']);
    assert.deepEqual([alice.stack.counts().client, alice.wheel.size], [0, 0]);
  });

  test('RFC 3261 §18.2.2 a response whose connection has gone goes over a new one to the sent-by port', () => {
    const { wire, alice, bob } = pair();
    bob.on = (event) => {
      if (event.kind !== 'request') return;
      for (const connection of bob.connections) bob.close(connection);
      answers(bob, wire, 200)(event);
    };
    const key = send(alice, wire, 'INVITE', BOB_TCP);
    wire.runTo(500);
    assert.ok(key >= 0);
    // The first try fails, the second connects; alice has given the INVITE up and the 200 is a stray one for her TU.
    assert.deepEqual(told(alice), ['failed transport', 'stray 200']);
    alice.listens = false;
    send(alice, wire, 'OPTIONS', BOB_TCP, { seq: 2 });
    wire.runTo(1_000);
    assert.deepEqual(told(bob).slice(-2), ['request INVITE', 'request OPTIONS']);
  });

  test('RFC 3261 §17.2.4 a response that cannot be delivered at all is told to the TU', () => {
    const { wire, alice, bob } = pair();
    alice.listens = false;
    bob.on = (event) => {
      if (event.kind !== 'request') return;
      for (const connection of bob.connections) bob.close(connection);
      answers(bob, wire, 486)(event);
    };
    send(alice, wire, 'INVITE', BOB_TCP);
    wire.runTo(500);
    assert.deepEqual(told(bob), ['request INVITE', 'server-failed transport']);
    assert.equal(bob.stack.counts().server, 0);
  });
});
