/** A whole INVITE exchange between two `SipStack`s in virtual time: parse, screen, match, machines, Via, timers. */
import { systemRandom } from '@strowger/node';
import {
  asMono,
  assumeOctets,
  type Destination,
  type Flow,
  type Mono,
  type Octets,
  octets,
  TimerWheel,
} from '@strowger/proto';
import { composeResponse, type Packet, SipStack, type StackEvent } from '@strowger/sip';
import type { MicroBench } from './bench.ts';
import { INVITE } from './texts.ts';

const ALICE = { address: '192.0.2.10', port: 5060 };
const BOB = { address: '192.0.2.20', port: 5060 };
const TO_BOB: Destination = { kind: 'address', transport: 'udp', remote: BOB };
/** Exchanges a virtual millisecond: 1,000/s, so that 32,000 a side are alive once 64·T1 has passed. */
const PER_MS = 1;

export const stackBenches: readonly MicroBench[] = [200, 486].map((final) => ({
  name: `stack INVITE ${final}`,
  operation: `two SipStacks: INVITE, 180, ${final}, ACK; both sides, ${PER_MS * 1000}/s in virtual time`,
  warmOps: 33_000 * PER_MS,
  prepare: () => exchange(final),
}));

function exchange(final: number): { run(n: number): number; facts(): Record<string, number> } {
  const wheel = new TimerWheel(asMono(0));
  const queue: (() => void)[] = [];
  let now: Mono = asMono(0);
  let done = 0;
  const stackAt = (me: typeof ALICE, peer: () => SipStack, emit: (event: StackEvent) => void): SipStack => {
    const flow: Flow = { transport: 'udp', local: me === ALICE ? BOB : ALICE, remote: me };
    return new SipStack({
      random: systemRandom,
      wheel,
      locals: [{ transport: 'udp', address: me }],
      maxTransactions: 1_000_000,
      emit,
      // A fresh flat string, as it would come off a socket.
      send: ({ text }: Packet) => void queue.push(() => peer().receive(flat(text), flow, now)),
    });
  };
  const alice: SipStack = stackAt(
    ALICE,
    () => bob,
    (event) => {
      if (event.kind !== 'response' || event.response.status < 200) return;
      done += 1;
      if (event.response.status === 200) alice.ack(ACK, TO_BOB, now);
    },
  );
  const bob: SipStack = stackAt(
    BOB,
    () => alice,
    (event) => {
      if (event.kind !== 'request') return;
      for (const status of [180, final]) {
        bob.respond(event.key, composeResponse(event.request, status, { toTag: octets`b1`, fields: CONTACT }), now);
      }
    },
  );
  let count = 0;
  return {
    run(n) {
      for (let i = 0; i < n; i += 1) {
        alice.request({ method: octets`INVITE`, text: REQUEST, target: TO_BOB }, alice, now);
        for (let work = queue.shift(); work; work = queue.shift()) work();
        count += 1;
        if (count % PER_MS === 0) {
          now = asMono(now + 1);
          wheel.advance(now);
        }
      }
      return done;
    },
    facts: () => ({ clientTransactions: alice.counts().client, serverTransactions: bob.counts().server }),
  };
}

const CONTACT = [['Contact', octets`<sip:1002@192.0.2.20:5060>`]] as const;
/** Without the phone's Via, which the stack writes. */
const REQUEST = assumeOctets(INVITE.replace(/Via: .*\r\n/, ''));
const ACK = assumeOctets(
  INVITE.slice(0, INVITE.indexOf('Content-Type'))
    .replace(/Via: .*\r\n/, '')
    .replace(/INVITE/g, 'ACK')
    .concat('Content-Length: 0\r\n\r\n'),
);

const flat = (text: Octets): Octets => assumeOctets(Buffer.from(text, 'latin1').toString('latin1'));
