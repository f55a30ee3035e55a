/**
 * For tests: two user agents, `a` calling `b`, and a network between them in virtual time. Transactions are played by a
 * few rules (what they make reliable arrives; a 2xx to INVITE and its ACK may be lost), so that the calls are alone on
 * trial. Each thing that is seen is a line of `log`; a seed replays to the letter.
 */
import { asMono, later, type Mono, type Octets, octets } from '@strowger/proto';
import {
  composeResponse,
  parseMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../message/index.ts';
import {
  answerStray,
  type Call,
  type CallEvent,
  type Input,
  nextDeadline,
  type Output,
  type Step,
  startIncoming,
  step,
} from '../call.ts';
import { ENDED } from './common.ts';
import type { OutgoingCall } from './outgoing.ts';

export type Side = 'a' | 'b';
type Bare<T> = T extends unknown ? Omit<T, 'now'> : never;
/** An input without its time. */
export type BareInput = Bare<Input>;

interface ClientTransaction {
  readonly side: Side;
  readonly method: string;
  readonly seq: number;
  readonly key: number;
  provisional: boolean;
  final: boolean;
  cancelWanted: boolean;
}

interface ServerTransaction {
  readonly side: Side;
  readonly client: ClientTransaction;
  readonly request: SipRequest;
  final?: number;
}

export interface RigOptions {
  readonly delay?: () => number;
  /** Whether a 2xx to INVITE or an ACK is lost. */
  readonly lose?: (what: string) => boolean;
  /** Each state goes through JSON before its next step, as if another process had taken the call over. */
  readonly carried?: boolean;
  readonly onEvent?: (side: Side, event: CallEvent, rig: Rig) => void;
}

const other = (side: Side): Side => (side === 'a' ? 'b' : 'a');

export class Rig {
  readonly log: string[] = [];
  readonly events: Record<Side, CallEvent[]> = { a: [], b: [] };
  readonly calls: Record<Side, Call> = { a: ENDED, b: ENDED };
  readonly servers: Map<number, ServerTransaction> = new Map();
  now: Mono = asMono(0);
  readonly #options: RigOptions;
  readonly #clients: ClientTransaction[] = [];
  #queue: { readonly at: Mono; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  #bStarted = false;

  constructor(options: RigOptions = {}) {
    this.#options = options;
  }

  /** Takes the step of `startOutgoing` for side a. */
  begin([call, outputs]: Step): void {
    this.#take('a', [call, outputs]);
  }

  input(side: Side, input: BareInput): void {
    const before = this.calls[side];
    const [next, outputs] = step(before, { ...input, now: this.now } as Input);
    if (before.state === 'ended' && outputs.length > 0) throw new Error(`${side} said something after its end`);
    this.#take(side, [next, outputs]);
  }

  at(delay: number, run: () => void): void {
    this.#queue.push({ at: later(this.now, delay), order: this.#order++, run });
  }

  /** Runs until nothing is due before `until` (ms). */
  run(until: number): void {
    for (;;) {
      const due: { at: Mono; order: number; run: () => void }[] = [...this.#queue];
      for (const side of ['a', 'b'] as const) {
        const at = nextDeadline(this.calls[side]);
        if (at !== undefined) due.push({ at, order: -1, run: () => this.input(side, { kind: 'tick' }) });
      }
      due.sort((x, y) => x.at - y.at || x.order - y.order);
      const [first] = due;
      if (first === undefined || first.at > until) break;
      this.now = asMono(Math.max(this.now, first.at));
      this.#queue = this.#queue.filter((entry) => entry.order !== first.order || first.order < 0);
      first.run();
    }
    this.now = asMono(Math.max(this.now, until));
  }

  #take(side: Side, [call, outputs]: Step): void {
    this.calls[side] = this.#options.carried ? (JSON.parse(JSON.stringify(call)) as Call) : call;
    for (const output of outputs) this.#perform(side, output);
  }

  #perform(side: Side, output: Output): void {
    switch (output.kind) {
      case 'send':
        this.#note(side, output.method);
        this.#request(side, output.method, output.seq, output.text);
        break;
      case 'ack':
        this.#ack(side, output.text);
        break;
      case 'cancel':
        this.#cancel(side, output.seq);
        break;
      case 'respond':
        this.#respond(side, Number(output.key), output.status, output.text);
        break;
      default:
        this.events[side].push(output);
        this.log.push(`${this.now} ${side} ${describe(output)}`);
        this.#options.onEvent?.(side, output, this);
    }
  }

  #request(side: Side, method: string, seq: number, text: Octets): void {
    const key = this.servers.size + this.#clients.length + 1;
    const client = { side, method, seq, key, provisional: false, final: false, cancelWanted: false };
    this.#clients.push(client);
    this.at(this.#delay(), () => {
      const request = read(
        octets`${firstLine(text)}\r\nVia: SIP/2.0/UDP ${side as Octets}.test;branch=z9hG4bK${key}\r\n${afterFirstLine(text)}`,
      );
      if (request.kind !== 'request') throw new Error('not a request');
      this.servers.set(key, { side: other(side), client, request });
      this.#deliver(other(side), key, request);
      if (method === 'INVITE') this.#trying(client, request);
    });
  }

  #deliver(side: Side, key: number, request: SipRequest): void {
    if (side === 'b' && !this.#bStarted && request.method === 'INVITE') {
      this.#bStarted = true;
      const localTag = octets`b1`;
      this.#take(side, startIncoming({ request, key, localTag, contact: octets`<sip:b@b.test>`, seed: 7 }));
      this.log.push(`${this.now} b incoming`);
      this.#options.onEvent?.('b', { kind: 'offer', request }, this);
      return;
    }
    if (this.calls[side].state !== 'ended') this.input(side, { kind: 'request', key, request });
    else this.#respond(side, key, 481, composeResponse(request, 481));
  }

  #ack(side: Side, text: Octets): void {
    const lost = this.#options.lose?.('ACK') ?? false;
    this.#note(side, lost ? 'ACK (lost)' : 'ACK');
    if (lost) return;
    this.at(this.#delay(), () => {
      const request = read(text);
      if (request.kind === 'request') this.input(other(side), { kind: 'ack', request });
    });
  }

  #cancel(side: Side, seq: number): void {
    const client = this.#clients.find((c) => c.side === side && c.seq === seq && c.method === 'INVITE');
    if (client === undefined || client.final) return;
    client.cancelWanted = true;
    if (client.provisional) this.#sendCancel(client);
  }

  #sendCancel(client: ClientTransaction): void {
    this.#note(client.side, 'CANCEL');
    this.at(this.#delay(), () => {
      const server = this.servers.get(client.key);
      if (server && server.final === undefined) this.input(server.side, { kind: 'cancelled', key: client.key });
    });
  }

  #trying(client: ClientTransaction, request: SipRequest): void {
    const response = read(composeResponse(request, 100));
    this.at(this.#delay(), () => {
      if (response.kind === 'response' && !client.final) this.#receive(client, response);
    });
  }

  #provisional(client: ClientTransaction): void {
    if (client.provisional || client.final) return;
    client.provisional = true;
    if (client.cancelWanted) this.#sendCancel(client);
  }

  #respond(side: Side, key: number, status: number, text: Octets): void {
    const server = this.servers.get(key);
    if (server === undefined) throw new Error(`${side} answered a request that nobody sent`);
    const invite = server.client.method === 'INVITE';
    const success = status >= 200 && status < 300;
    const again = server.final !== undefined;
    if (again && !(invite && success && server.final === status)) throw new Error(`${side} answered twice`);
    if (status >= 200) server.final = status;
    const lost = invite && success && (this.#options.lose?.('2xx') ?? false);
    this.#note(side, `${status}${lost ? ' (lost)' : ''}`);
    if (lost) return;
    this.at(this.#delay(), () => {
      const response = read(text);
      if (response.kind === 'response') this.#receive(server.client, response);
    });
  }

  #receive(client: ClientTransaction, response: SipResponse): void {
    const { status } = response;
    const { side } = client;
    this.#provisional(client);
    if (client.final && !(client.method === 'INVITE' && status >= 200 && status < 300)) return;
    if (status >= 200) client.final = true;
    if (this.calls[side].state !== 'ended') this.input(side, { kind: 'response', response });
    else for (const output of answerStray(response)) this.#perform(side, output);
  }

  #delay(): number {
    return this.#options.delay?.() ?? 10;
  }

  #note(side: Side, what: string): void {
    this.log.push(`${this.now} ${side}→ ${what}`);
  }
}

/** What the tests call with, unless they say otherwise. */
export function sampleCall(o: Partial<OutgoingCall> = {}): OutgoingCall {
  return {
    uri: octets`sip:b@example.test`,
    from: octets`"A" <sip:a@example.test>`,
    to: octets`<sip:b@example.test>`,
    callId: octets`call-1@a.test`,
    localTag: octets`a1`,
    contact: octets`<sip:a@a.test>`,
    body: OFFER,
    seed: 5,
    ...o,
  };
}

export const OFFER: { readonly type: Octets; readonly text: Octets } = {
  type: octets`application/sdp`,
  text: octets`offer`,
};
export const ANSWER: { readonly type: Octets; readonly text: Octets } = {
  type: octets`application/sdp`,
  text: octets`answer`,
};

export function read(text: Octets): SipMessage {
  const outcome = parseMessage(text);
  if (outcome.kind !== 'message') throw new Error(`unreadable: ${text}`);
  return outcome.message;
}

function describe(event: CallEvent): string {
  switch (event.kind) {
    case 'progress':
    case 'offer-failed':
      return `${event.kind} ${event.status}`;
    case 'answered':
    case 'acknowledged':
    case 'offer':
    case 'offer-answered':
      return `${event.kind}${event.body ? ` ${event.body.text}` : ''}`;
    case 'request':
      return `request ${event.method}`;
    case 'reply':
      return `reply ${event.method} ${event.status}`;
    case 'ended':
      return `ended ${event.cause} by ${event.by}${event.status === undefined ? '' : ` ${event.status}`}`;
    case 'offer-withdrawn':
    case 'challenged':
      return event.kind;
  }
}

const firstLine = (text: Octets): Octets => text.slice(0, text.indexOf('\r\n')) as Octets;
const afterFirstLine = (text: Octets): Octets => text.slice(text.indexOf('\r\n') + 2) as Octets;
