import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { answers, flowToBob, pair, requestText, send, told } from './phones.ts';
import { seeded } from './wire.ts';

suite('SIP stack, fed with garbage', () => {
  test('RFC 3261 §8.2 20,000 mangled messages: nothing thrown, responses and ACKs never answered, calls still work', () => {
    const { wire, alice, bob } = pair();
    bob.on = answers(bob, wire, 486);
    const chance = seeded(4_475);
    const below = (n: number) => Math.floor(chance() * n);
    const via = 'Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKt';
    const seeds = ['INVITE', 'OPTIONS', 'ACK', 'CANCEL', 'x'].map(
      (method) => `${method} sip:b SIP/2.0\r\n${via}\r\n${requestText(method).split('\r\n').slice(1).join('\r\n')}`,
    );
    seeds.push(`SIP/2.0 200 OK\r\n${via}\r\n${requestText('INVITE').split('\r\n').slice(1).join('\r\n')}`);
    const bits = [
      '\r\n',
      '\0',
      '\n',
      ';',
      ',',
      '"',
      '<',
      ' ',
      '=',
      ':',
      '\xff',
      ';rport=',
      'z9hG4bK',
      'Via: ',
      '\r\n ',
      '99999999999',
    ];
    for (let i = 0; i < 20_000; i += 1) {
      let text = seeds[below(seeds.length)] ?? '';
      for (let edits = 1 + below(4); edits > 0; edits -= 1) {
        const at = below(text.length);
        text = text.slice(0, at) + (bits[below(bits.length)] ?? '') + text.slice(at + below(8));
      }
      const before = bob.sent.length;
      bob.stack.receive(text as Octets, flowToBob(1_024 + below(60_000)), wire.mono);
      if (/^(ACK |SIP\/2\.0 )/i.test(text)) assert.equal(bob.sent.length, before, JSON.stringify(text));
      if (i % 100 === 0) wire.runTo(wire.now + 50);
    }
    wire.runTo(wire.now + 70_000);
    assert.deepEqual([bob.stack.counts().server, bob.wheel.size], [0, 0]);
    send(alice, wire, 'INVITE');
    wire.runTo(wire.now + 1_000);
    assert.equal(told(alice).at(-1), 'response 486');
  });
});
