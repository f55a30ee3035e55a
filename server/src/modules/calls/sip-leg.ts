/**
 * A SIP leg: hosts the INVITE usage (`ua/call`, a pure machine) over the kernel's SIP port. It performs what the machine
 * says in order, feeds it what comes back, and tells the listener in a leg's own words.
 */
import { type Flow, type Mono, type Octets, own, sameAddress } from '@strowger/proto';
import type { ClientKey, Field, SipRequest, SipResponse } from '@strowger/sip';
import {
  answerStray,
  type Call,
  type CallEvent,
  type Input as CallInput,
  type Output as CallOutput,
  nextDeadline,
  step as stepCall,
} from '@strowger/sip/ua';
import type { ClientOwner, ModuleContext, Pending, Stoppable } from '../../kernel/context.ts';
import type { DialogOwner } from '../../kernel/dialog-table.ts';
import type { Answer, Exchange } from '../../kernel/exchange.ts';
import type { Principal } from '../../kernel/principal.ts';
import { because, type Reason } from '../../kernel/reason.ts';
import { destinationFor, type Way } from '../../kernel/way.ts';
import type { Leg, LegCommand, LegEvent, LegListener } from './leg.ts';
import { inputOf, type UntimedInput as Untimed } from './leg-commands.ts';
import { eventOf } from './leg-events.ts';

export interface SipLegOptions {
  readonly id: string;
  readonly context: ModuleContext;
  readonly listener: LegListener;
  readonly principal: Principal;
  /** Asked each time, so that a phone that has registered anew is reached where it is now. */
  readonly way: () => Way;
  /** The call is over for good: nothing of it is left anywhere. */
  readonly onGone: (leg: SipLeg) => void;
}

export class SipLeg implements Leg, DialogOwner, ClientOwner {
  readonly id: string;
  readonly kind = 'sip';
  readonly principal: Principal;
  #o: SipLegOptions;
  #call: Call = { state: 'ended' };
  #callId: Octets | undefined;
  #localTag: Octets | undefined;
  /** Requests of the peer that wait for our answer, by the number we gave them. */
  readonly #waiting = new Map<number, Pending>();
  #lastNumber = 0;
  /** Our requests under way: what they were, and for a CANCEL, by sequence number. */
  readonly #sent = new Map<ClientKey, { readonly method: Octets; readonly seq: number }>();
  /** The address that our last INVITE went to: answers to it come from there (RFC 3581 §4). */
  #invited: string | undefined;
  #why: Reason = because('call');
  #timer: Stoppable | undefined;
  #deadline: Mono | undefined;
  readonly #inbox: Untimed[] = [];
  #busy = false;
  #broken = false;

  constructor(options: SipLegOptions) {
    this.#o = options;
    this.id = options.id;
    this.principal = options.principal;
  }

  /** The number under which the machine will know this request. */
  take(exchange: Exchange): number {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    this.#waiting.set(number, { key: exchange.key, callId: own(exchange.request.callId) });
    // Nothing else can be cancelled (RFC 3261 §9.1).
    if (exchange.request.method === 'INVITE') {
      this.#o.context.sip.watch(exchange.key, {
        cancelled: (request) => this.#feed({ kind: 'cancelled', key: number, request }),
      });
    }
    return number;
  }

  /** Begins with a machine just started, or with one from a snapshot. False when there is no room for its dialog. */
  begin(call: Call, outputs: readonly CallOutput[] = []): boolean {
    if (call.state !== 'ended') {
      if (!this.#o.context.sip.dialogs.add(call.callId, call.localTag, this)) return false;
      this.#callId = call.callId;
      this.#localTag = call.localTag;
    }
    // Of the process before us: no request of ours may take its number while our 2xx to it may go out again.
    if (call.state === 'confirmed' && call.exchange?.kind === 'accepted') this.#lastNumber = Number(call.exchange.key);
    this.#call = call;
    this.#busy = true;
    try {
      for (const output of outputs) this.#perform(output);
    } finally {
      this.#busy = false;
    }
    this.#drain();
    return true;
  }

  /** It could not begin: nothing finds it any more, and nobody hears of it. */
  abandon(): void {
    this.#timer?.stop();
    this.#waiting.clear();
    if (this.#callId !== undefined && this.#localTag !== undefined) {
      this.#o.context.sip.dialogs.remove(this.#callId, this.#localTag);
    }
    this.#o = { ...this.#o, listener: NOBODY, onGone: () => {} };
  }

  /** Plain data, for a snapshot. */
  get call(): Call {
    return this.#call;
  }

  command(command: LegCommand): void {
    if ('why' in command) this.#why = command.why;
    this.#feed(inputOf(command, this.#o.context));
  }

  request(exchange: Exchange): Answer | undefined {
    if (this.#call.state === 'ended') return { status: 481, reason: because('call-is-over') };
    this.#feed({ kind: 'request', key: this.take(exchange), request: exchange.request });
    return undefined;
  }

  ack(request: SipRequest): void {
    this.#feed({ kind: 'ack', request });
  }

  response(key: ClientKey, response: SipResponse): void {
    if (response.status >= 200) this.#sent.delete(key);
    this.#feed({ kind: 'response', response });
  }

  failed(key: ClientKey, reason: 'timeout' | 'transport'): void {
    const sent = this.#sent.get(key);
    this.#sent.delete(key);
    if (sent) this.#feed({ kind: 'failed', ...sent, reason });
  }

  stray(response: SipResponse, { remote }: Flow): void {
    // The tags alone prove nothing: who overheard them may not answer in a phone's place. While an INVITE is under way
    // its own transaction takes the answers, and they come from where it went (RFC 3581 §4).
    if ([...this.#sent.values()].some(({ method }) => method === 'INVITE')) return;
    if (!sameAddress(remote.address, this.#invited ?? this.#o.way().flow.remote.address)) return;
    if (this.#call.state !== 'ended') this.#feed({ kind: 'response', response });
    else for (const output of answerStray(response)) this.#perform(output);
  }

  /** One input at a time: what an output leads to waits until the outputs before it are done. */
  #feed(input: Untimed): void {
    this.#inbox.push(input);
    this.#drain();
  }

  #drain(): void {
    if (this.#busy) return;
    this.#busy = true;
    const mistakes: unknown[] = [];
    for (let input = this.#inbox.shift(); input; input = this.#inbox.shift()) {
      try {
        this.#step(input);
      } catch (error) {
        // Ours, and not to be lived with: whoever is at the other end is hung up, once.
        mistakes.push(error);
        if (!this.#broken) this.#inbox.push({ kind: 'hang-up', status: 500 });
        this.#broken = true;
      }
    }
    this.#busy = false;
    this.#settle();
    if (mistakes.length > 0) throw mistakes[0];
  }

  #step(input: Untimed): void {
    const [call, outputs] = stepCall(this.#call, { ...input, now: this.#o.context.clock.now() } as CallInput);
    this.#call = call;
    for (const output of outputs) this.#perform(output);
  }

  #perform(output: CallOutput): void {
    const { sip } = this.#o.context;
    switch (output.kind) {
      case 'send':
        return this.#send(output);
      case 'ack': {
        const target = destinationFor(output.nextHop, this.#o.way(), sip);
        if (target) sip.ack(output.text, target);
        return;
      }
      case 'cancel':
        return this.#cancel(output.seq, output.fields);
      case 'respond': {
        const pending = this.#waiting.get(Number(output.key));
        if (!pending) return this.#resend(output.text);
        // A 2xx to INVITE goes out again until its ACK (RFC 3261 §13.3.1.4).
        if (output.status >= 200 && !output.repeats) this.#waiting.delete(Number(output.key));
        return sip.respond(pending, output.text, output.status < 300 ? because('call') : this.#why);
      }
      default:
        return this.#tell(output);
    }
  }

  #send({ method, seq, text, nextHop, detached }: Extract<CallOutput, { kind: 'send' }>): void {
    const { sip } = this.#o.context;
    const target = destinationFor(nextHop, this.#o.way(), sip);
    if (!target) {
      if (!detached) this.#inbox.push({ kind: 'failed', method, seq, reason: 'transport' });
      return;
    }
    if (method === 'INVITE') this.#invited = (target.kind === 'flow' ? target.flow.remote : target.remote).address;
    const key = sip.request({ method, text, target }, this);
    if (!detached) this.#sent.set(key, { method, seq });
  }

  /**
   * A response whose transaction died with the process before us goes by itself; where its connection died too, over a
   * new one to where the phone takes requests (RFC 3261 §18.2.2), if that is its own host.
   */
  #resend(text: Octets): void {
    const { sip } = this.#o.context;
    const way = this.#o.way();
    const { flow } = way;
    if (sip.isLive({ kind: 'flow', flow })) return sip.resend(text, { kind: 'flow', flow });
    const target =
      this.#call.state === 'confirmed' ? destinationFor(this.#call.dialog.remoteTarget, way, sip) : undefined;
    if (target) sip.resend(text, target);
  }

  #cancel(seq: number, fields: readonly Field[] | undefined): void {
    for (const [key, sent] of this.#sent) {
      if (sent.seq === seq && sent.method === 'INVITE') this.#o.context.sip.cancel(key, fields);
    }
  }

  #tell(event: CallEvent): void {
    if (event.kind === 'acknowledged') this.#waiting.delete(Number(event.key));
    const said: LegEvent | undefined = eventOf(event);
    if (said) this.#o.listener.onLegEvent(this.id, said);
  }

  /** After a step: the timer follows the machine, and an ended one is let go of. */
  #settle(): void {
    const deadline = nextDeadline(this.#call);
    if (deadline !== this.#deadline) {
      this.#timer?.stop();
      this.#timer = undefined;
      this.#deadline = deadline;
      if (deadline !== undefined) {
        const wait = Math.max(0, deadline - this.#o.context.clock.now());
        this.#timer = this.#o.context.after(wait, () => {
          this.#deadline = undefined;
          this.#feed({ kind: 'tick' });
        });
      }
    }
    if (this.#call.state !== 'ended' || this.#callId === undefined || this.#localTag === undefined) return;
    this.#o.context.sip.dialogs.remove(this.#callId, this.#localTag);
    this.#callId = undefined;
    this.#waiting.clear();
    const { onGone } = this.#o;
    this.#o = lingering(this.#o);
    onGone(this);
  }
}

/**
 * What a leg needs once it is over: its INVITE's transaction holds on to it for 64·T1 more, to acknowledge what comes
 * late. The call and its other legs must not be held with it.
 */
function lingering({ id, context, principal, way }: SipLegOptions): SipLegOptions {
  const last = way();
  return { id, context, principal, way: () => last, listener: NOBODY, onGone: () => {} };
}

const NOBODY: LegListener = { onLegEvent() {} };
