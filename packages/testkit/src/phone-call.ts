/** One call of a scripted phone: the call machine, its host's part, and what a person would do. */
import { type Mono, type Octets, Timed } from '@strowger/proto';
import type { digestClient } from '@strowger/sip/auth';
import type { Field, SipRequest, SipResponse } from '@strowger/sip/message';
import type { ClientKey, ServerKey } from '@strowger/sip/stack';
import {
  answerStray,
  type Call,
  type CallEvent,
  type Command,
  type EndCause,
  type Input,
  nextDeadline,
  type OutgoingCall,
  type Output,
  type Step,
  startIncoming,
  startOutgoing,
  step,
} from '@strowger/sip/ua';
import type { Phone } from './phone.ts';
import { answerDirection, describeAudio, type HeardAudio, type MediaDirection, readAudio } from './phone-media.ts';

/** A person's view of it. */
export type Phase = 'calling' | 'ringing' | 'talking' | 'ended';

type Bare<T> = T extends unknown ? Omit<T, 'now'> : never;

/** Whose a client transaction is: what the stack gives back with each response. */
export interface CallOwner {
  readonly call: PhoneCall;
  readonly method: Octets;
  readonly seq: number;
}

export class PhoneCall extends Timed {
  readonly phone: Phone;
  readonly number: number;
  readonly direction: 'out' | 'in';
  /** Who is at the other end, as the first INVITE said. */
  readonly peer: string;
  readonly callId: Octets;
  readonly localTag: Octets;
  /** The server transaction of the INVITE that came. */
  readonly key: ServerKey | undefined;
  phase: Phase = 'calling';
  /** The last response to our INVITE, or the one we gave. */
  status: number | undefined;
  cause: EndCause | undefined;
  endedBy: 'local' | 'remote' | 'network' | undefined;
  /** What the peer's last description said. */
  heard: HeardAudio | undefined;
  onHold = false;
  /** Why our last offer was not taken: 491 where another was under way. */
  offerRefused: number | undefined;
  answeredAt: Mono | undefined;
  #call: Call = { state: 'ended' };
  #sdpVersion = 0;
  readonly #invites = new Map<number, ClientKey>();
  #outgoing: OutgoingCall | undefined;
  #tries: digestClient.DigestTries = [];
  #byeTries: digestClient.DigestTries = [];

  constructor(
    phone: Phone,
    o: { number: number; direction: 'out' | 'in'; peer: string; callId: Octets; localTag: Octets; key?: ServerKey },
  ) {
    super();
    this.phone = phone;
    this.number = o.number;
    this.direction = o.direction;
    this.peer = o.peer;
    this.callId = o.callId;
    this.localTag = o.localTag;
    this.key = o.key;
  }

  /** The machine's own state. */
  get state(): Call['state'] {
    return this.#call.state;
  }

  get heldByPeer(): boolean {
    return this.heard?.direction === 'sendonly' || this.heard?.direction === 'inactive';
  }

  dial(o: Omit<OutgoingCall, 'body' | 'fields' | 'autoAck'>, extra: readonly Field[]): void {
    const { fields, tries } = this.phone.login.credentials('INVITE', o.uri);
    this.#tries = tries;
    this.#outgoing = { ...o, ...this.#offerOf('sendrecv'), autoAck: true, fields: extra };
    this.#take(startOutgoing({ ...this.#outgoing, fields: [...extra, ...fields] }, this.phone.now()));
  }

  ring(request: SipRequest, key: ServerKey): void {
    this.phase = 'ringing';
    this.#hear(request.body);
    this.#take(startIncoming({ request, key, localTag: this.localTag, contact: this.phone.contact }));
  }

  /** `media`: with a description, for what is heard before the answer (RFC 3960). */
  progress(status = 180, { media = false }: { readonly media?: boolean } = {}): void {
    this.#command({ kind: 'progress', status, ...(media ? { body: this.#answerTo('sendrecv') } : {}) });
  }

  answer(): void {
    if (this.phase !== 'ringing') return;
    this.#command({ kind: 'answer', body: this.#answerTo('sendrecv') });
    this.#talking(200);
  }

  reject(status: number): void {
    this.#command({ kind: 'reject', status });
  }

  hangUp(): void {
    const { fields, tries } = this.phone.login.credentials('BYE', this.#target());
    this.#byeTries = tries;
    this.#command({ kind: 'hang-up', fields });
  }

  hold(): void {
    this.onHold = true;
    this.#reoffer('sendonly');
  }

  resume(): void {
    this.onHold = false;
    this.#reoffer('sendrecv');
  }

  /** Takes what the stack brought for this call. */
  input(input: Bare<Input>): void {
    this.#take(step(this.#call, { ...input, now: this.phone.now() } as Input));
  }

  stray(response: SipResponse): void {
    if (this.#call.state !== 'ended') this.input({ kind: 'response', response });
    else for (const output of answerStray(response)) this.#perform(output);
  }

  override onDue(): void {
    this.input({ kind: 'tick' });
  }

  #command(command: Command): void {
    this.input(command);
    this.phone.wire.poke();
  }

  #take([call, outputs]: Step): void {
    this.#call = call;
    for (const output of outputs) this.#perform(output);
    const next = nextDeadline(this.#call);
    if (next === undefined) this.phone.wire.wheel.stop(this);
    else this.phone.wire.wheel.set(this, next);
  }

  #perform(output: Output): void {
    const { stack } = this.phone.wire;
    const now = this.phone.now();
    switch (output.kind) {
      case 'send': {
        const owner: CallOwner = { call: this, method: output.method, seq: output.seq };
        const { method, text } = output;
        const key = stack.request({ method, text, target: this.phone.resolve(output.nextHop) }, owner, now);
        if (method === 'INVITE') this.#invites.set(output.seq, key);
        return;
      }
      case 'ack':
        stack.ack(output.text, this.phone.resolve(output.nextHop), now);
        return;
      case 'cancel': {
        const key = this.#invites.get(output.seq);
        if (key !== undefined) stack.cancel(key, now, output.fields);
        return;
      }
      case 'respond':
        stack.respond(output.key as ServerKey, output.text, now);
        return;
      case 'progress':
      case 'answered':
      case 'acknowledged':
      case 'offer':
      case 'offer-withdrawn':
      case 'offer-answered':
      case 'offer-failed':
      case 'request':
      case 'reply':
      case 'challenged':
      case 'ended':
        this.#on(output);
    }
  }

  #on(event: CallEvent): void {
    switch (event.kind) {
      case 'progress':
        this.status = event.status;
        this.phase = 'ringing';
        this.#hear(event.body?.text);
        this.phone.note(this, `${event.status}`);
        return;
      case 'answered':
        this.#hear(event.body?.text);
        if (!event.acknowledged) this.#acknowledge();
        this.#talking(event.response.status);
        return;
      case 'offer':
        this.#answerOffer(event.body?.text);
        return;
      case 'offer-answered':
        this.#hear(event.body?.text);
        if (!event.acknowledged) this.#acknowledge();
        this.phone.note(this, this.onHold ? 'on hold' : 'resumed');
        return;
      case 'offer-failed':
        this.offerRefused = event.status;
        this.phone.note(this, `offer refused ${event.status}`);
        return;
      case 'request':
        this.input({ kind: 'respond', key: event.key, status: 200 });
        this.phone.note(this, `got ${event.method}`);
        return;
      case 'challenged':
        this.#challengedBye(event.response);
        return;
      case 'ended':
        this.#ended(event);
        return;
      case 'acknowledged':
        this.#hear(event.body?.text);
        return;
      case 'offer-withdrawn':
      case 'reply':
        return;
    }
  }

  #ended(event: Extract<CallEvent, { kind: 'ended' }>): void {
    const { status, response } = event;
    if (response && (status === 401 || status === 407) && this.#dialAgain(response, event.seq ?? 1)) return;
    this.phase = 'ended';
    this.cause = event.cause;
    this.endedBy = event.by;
    if (status !== undefined) this.status = status;
    this.phone.note(this, `ended by ${event.by}: ${event.cause}${status === undefined ? '' : ` ${status}`}`);
  }

  #dialAgain(response: SipResponse, seq: number): boolean {
    const outgoing = this.#outgoing;
    if (!outgoing) return false;
    const retry = this.phone.login.answer(response, 'INVITE', outgoing.uri, this.#tries);
    if (!retry) return false;
    this.#tries = retry.tries;
    const again = { ...outgoing, seq: seq + 1 };
    this.#outgoing = again;
    this.#take(startOutgoing({ ...again, fields: [...(outgoing.fields ?? []), ...retry.fields] }, this.phone.now()));
    return true;
  }

  #challengedBye(response: SipResponse): void {
    const retry = this.phone.login.answer(response, 'BYE', this.#target(), this.#byeTries);
    if (!retry) return;
    this.#byeTries = retry.tries;
    this.input({ kind: 'hang-up', fields: retry.fields });
  }

  #talking(status: number): void {
    this.phase = 'talking';
    this.status = status;
    this.answeredAt = this.phone.now();
    this.phone.note(this, 'talking');
  }

  #reoffer(direction: MediaDirection): void {
    this.offerRefused = undefined;
    const { fields } = this.phone.login.credentials('INVITE', this.#target());
    this.#command({ kind: 'offer', ...this.#offerOf(direction), fields, autoAck: true });
  }

  #answerOffer(body: Octets | undefined): void {
    const { refusesOffers: status } = this.phone;
    if (status !== undefined) {
      this.input({ kind: 'reject', status });
      this.phone.note(this, `refused an offer ${status}`);
      return;
    }
    const before = this.heldByPeer;
    this.#hear(body);
    // Asked for an offer, it says what it wants; to one, what both want.
    const wanted = this.onHold ? 'sendonly' : 'sendrecv';
    this.input({ kind: 'answer', body: body === undefined ? this.#describe(wanted) : this.#answerTo(wanted) });
    if (before !== this.heldByPeer) this.phone.note(this, this.heldByPeer ? 'held by peer' : 'resumed by peer');
  }

  /** The answer to the offer in a 2xx goes in the ACK. */
  #acknowledge(): void {
    this.input({ kind: 'acknowledge', body: this.#answerTo(this.onHold ? 'sendonly' : 'sendrecv') });
  }

  #offerOf(direction: MediaDirection) {
    return this.phone.offers ? { body: this.#describe(direction) } : {};
  }

  #answerTo(wanted: MediaDirection) {
    return this.#describe(answerDirection(this.heard?.direction ?? 'sendrecv', wanted));
  }

  #describe(direction: MediaDirection) {
    this.#sdpVersion += 1;
    return describeAudio(
      { address: this.phone.wire.local.address, port: this.phone.mediaPort(this) },
      this.#sdpVersion,
      direction,
    );
  }

  #hear(body: Octets | undefined): void {
    const heard = body === undefined ? undefined : readAudio(body);
    if (heard) this.heard = heard;
  }

  /** The Request-URI that credentials within the dialog are made for. */
  #target(): Octets {
    const call = this.#call;
    if (call.state === 'confirmed' || call.state === 'terminating') return call.dialog.remoteTarget;
    return this.#outgoing?.uri ?? this.phone.contactUri;
  }
}
