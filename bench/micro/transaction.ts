/** INVITE transactions as bare machines: pure reducers, no parser, no tables; the states of the last 64·T1 stay alive. */
import { asMono, later, type Mono, octets } from '@strowger/proto';
import {
  type inviteClient as Client,
  DEFAULT_TIMING,
  inviteClient,
  inviteServer,
  type inviteServer as Server,
} from '@strowger/sip/transaction';
import type { MicroBench } from './bench.ts';

/** 64·T1 at 1,600 calls/s. */
const ALIVE = 50_000;
const REQUEST = octets`INVITE sip:1002@example.test SIP/2.0`;
const RINGING = octets`SIP/2.0 180 Ringing`;
const OK = octets`SIP/2.0 200 OK`;
const ACK = octets`ACK sip:1002@example.test SIP/2.0`;

export const transactionBenches: readonly MicroBench[] = [
  {
    name: 'transaction client',
    operation: 'INVITE client machine: start, 180, 200, Timer M; 50,000 alive',
    prepare: () =>
      ringOf<Client.InviteClient>(clientCall, (tx, now) => inviteClient.step(tx, { kind: 'tick', now })[0].state),
  },
  {
    name: 'transaction server',
    operation: 'INVITE server machine: start, 180, retransmission, 200, ACK, Timer L; 50,000 alive',
    prepare: () =>
      ringOf<Server.InviteServer>(serverCall, (tx, now) => inviteServer.step(tx, { kind: 'tick', now })[0].state),
  },
];

function ringOf<S>(make: (now: Mono) => S, end: (tx: S, now: Mono) => string): { run(n: number): number } {
  const alive: (S | undefined)[] = new Array(ALIVE).fill(undefined);
  let now = asMono(0);
  let at = 0;
  return {
    run(n) {
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        now = later(now, 1);
        const old = alive[at];
        if (old !== undefined) sum += end(old, later(now, 64 * DEFAULT_TIMING.T1)).length;
        alive[at] = make(now);
        at = (at + 1) % ALIVE;
      }
      return sum;
    },
  };
}

function clientCall(now: Mono): Client.InviteClient {
  let [tx] = inviteClient.start(REQUEST, false, DEFAULT_TIMING, now);
  [tx] = inviteClient.step(tx, { kind: 'response', status: 180, now });
  [tx] = inviteClient.step(tx, { kind: 'response', status: 200, ack: ACK, now });
  return tx;
}

function serverCall(now: Mono): Server.InviteServer {
  let tx = inviteServer.start(false, DEFAULT_TIMING, now);
  [tx] = inviteServer.step(tx, { kind: 'respond', status: 180, text: RINGING, now });
  [tx] = inviteServer.step(tx, { kind: 'retransmission', now });
  [tx] = inviteServer.step(tx, { kind: 'respond', status: 200, text: OK, now });
  [tx] = inviteServer.step(tx, { kind: 'ack', now });
  return tx;
}
