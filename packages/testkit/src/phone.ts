/**
 * A scripted phone on a virtual host: it registers with digest, calls, answers or does not, holds, resumes and hangs
 * up, all over the real stack. What happened to it is in `transcript`, what is left of it in `leftovers()`.
 */
import {
  bareHost,
  type Destination,
  decode,
  encode,
  type Flow,
  formatHost,
  isIpv6,
  later,
  type Mono,
  type Octets,
  octets,
  randomHex,
  type SocketAddress,
} from '@strowger/proto';
import { composeResponse, type Field, param, parseUri, type SipRequest, type SipResponse } from '@strowger/sip/message';
import type { StackEvent } from '@strowger/sip/stack';
import { type CallOwner, PhoneCall } from './phone-call.ts';
import { PhoneLogin } from './phone-login.ts';
import { Registration } from './phone-registration.ts';
import { PhoneWire } from './phone-wire.ts';
import type { Appointment } from './virtual-clock.ts';
import type { VirtualHost } from './virtual-host.ts';

/** What a phone does with a call that comes. */
export type Behaviour =
  /** Rings for `afterMs` and answers. */
  | { readonly kind: 'answer'; readonly afterMs?: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'decline' }
  | { readonly kind: 'reject'; readonly status: number; readonly afterMs?: number }
  /** Rings until the caller gives up. */
  | { readonly kind: 'ring' }
  /** Does what the test tells the call to. */
  | { readonly kind: 'wait' }
  /** Says nothing to any request, as if switched off. */
  | { readonly kind: 'silent' };

export interface PhoneOptions {
  readonly host: VirtualHost;
  readonly user: string;
  readonly domain: string;
  /** Registrar and outbound proxy. */
  readonly server: SocketAddress;
  readonly transport?: 'udp' | 'tcp';
  readonly password?: string;
  /** Whose challenges are answered. Default: the domain. */
  readonly realm?: string;
  readonly displayName?: string;
  /** Default: the host's first address of the server's family, port 5060. */
  readonly local?: SocketAddress;
  readonly behaviour?: Behaviour;
  /** A double CRLF goes to the server so often, to hold a NAT's mapping open. Default: never. */
  readonly keepAliveMs?: number;
  /** Parameters of the REGISTER's Contact, as `;+sip.instance="…";reg-id=1`. */
  readonly contactParams?: string;
}

/** Creates a phone and binds its sockets. */
export async function createPhone(options: PhoneOptions): Promise<Phone> {
  const phone = new Phone(options);
  await phone.open();
  return phone;
}

export class Phone {
  readonly name: string;
  readonly options: PhoneOptions;
  readonly calls: PhoneCall[] = [];
  /** `12.340 call 1: talking`. */
  readonly transcript: string[] = [];
  /** Requests outside calls that came, answered 200: MESSAGE, NOTIFY, OPTIONS. */
  readonly requests: SipRequest[] = [];
  /** @internal */
  readonly login: PhoneLogin;
  behaviour: Behaviour;
  /** Whether its INVITEs carry an offer; without one its ACK carries the answer (RFC 3261 §13.2.1). */
  offers = true;
  /** The status that re-INVITEs are refused with. */
  refusesOffers: number | undefined;
  #wire: PhoneWire | undefined;
  #registration: Registration | undefined;

  constructor(options: PhoneOptions) {
    this.options = options;
    this.name = options.user;
    this.login = new PhoneLogin(options, (why) => this.note(undefined, `challenge not answered: ${why}`));
    this.behaviour = options.behaviour ?? { kind: 'answer' };
  }

  async open(): Promise<void> {
    const { host, server } = this.options;
    const v6 = isIpv6(server.address);
    const address = host.addresses.find((a) => isIpv6(a) === v6) ?? host.addresses[0] ?? '';
    this.#wire = await PhoneWire.open({
      host,
      local: this.options.local ?? { address, port: 5060 },
      onEvent: (event) => this.#onEvent(event),
      onReceive: () => this.behaviour.kind !== 'silent',
      onClosed: (flow: Flow) => this.note(undefined, `connection ${flow.connection} closed`),
    });
    this.#registration = new Registration(this);
    this.#keepAlive();
  }

  get wire(): PhoneWire {
    if (!this.#wire) throw new Error(`phone ${this.name} is not open`);
    return this.#wire;
  }

  get registration(): Registration {
    if (!this.#registration) throw new Error(`phone ${this.name} is not open`);
    return this.#registration;
  }

  get registered(): boolean {
    return this.registration.state === 'registered';
  }

  get aor(): Octets {
    return encode(`sip:${this.options.user}@${this.options.domain}`);
  }

  get contactUri(): Octets {
    const { address, port } = this.wire.local;
    const transport = this.options.transport === 'tcp' ? octets`;transport=tcp` : octets``;
    return octets`sip:${encode(this.options.user)}@${encode(formatHost(address))}:${port}${transport}`;
  }

  /** The Contact value of requests. */
  get contact(): Octets {
    return octets`<${this.contactUri}>`;
  }

  get lastCall(): PhoneCall | undefined {
    return this.calls.at(-1);
  }

  now(): Mono {
    return this.wire.now();
  }

  register(seconds = 3600): void {
    this.registration.register(seconds);
  }

  unregister(): void {
    this.registration.register(0);
  }

  /** Calls `200`, `200@other.test` or a whole SIP URI. */
  call(target: string, fields: readonly Field[] = []): PhoneCall {
    const uri = target.includes(':')
      ? target
      : `sip:${target.includes('@') ? target : `${target}@${this.options.domain}`}`;
    const callId = octets`${encode(randomHex(this.options.host.random, 12))}@${encode(this.options.user)}`;
    const localTag = this.token();
    const call = new PhoneCall(this, { number: this.calls.length + 1, direction: 'out', peer: uri, callId, localTag });
    this.calls.push(call);
    this.note(call, `calls ${uri}`);
    call.dial(
      { uri: encode(uri), from: this.#from(), to: octets`<${encode(uri)}>`, callId, localTag, contact: this.contact },
      fields,
    );
    this.wire.poke();
    return call;
  }

  /** Closes its sockets, as pulling the plug does: nobody is told. */
  async close(): Promise<void> {
    this.registration.stop();
    await this.wire.close();
  }

  /** What it still holds: all zero when everything it took part in is over. */
  leftovers(): Readonly<Record<string, number>> {
    const { client, server } = this.wire.stack.counts();
    return {
      clientTransactions: client,
      serverTransactions: server,
      calls: this.calls.filter((call) => call.state !== 'ended').length,
      timers: this.wire.wheel.size,
    };
  }

  /** @internal */
  token(): Octets {
    return encode(randomHex(this.options.host.random, 8));
  }

  /** @internal Where no call has been: RTP of call n. */
  mediaPort(call: PhoneCall): number {
    return 40_000 + 2 * call.number;
  }

  /** @internal */
  note(call: PhoneCall | undefined, what: string): void {
    const time = (this.now() / 1000).toFixed(3);
    this.transcript.push(`${time} ${call ? `call ${call.number}: ` : ''}${what}`);
  }

  /** @internal Addresses are taken as they are; everything that has a name goes to the server. */
  resolve(nextHop: Octets): Destination {
    const { server, transport = 'udp' } = this.options;
    const parsed = parseUri(nextHop);
    if (!parsed.ok || parsed.value.kind !== 'sip') return this.wire.destination(server, transport);
    const { host, port, params } = parsed.value;
    const address = bareHost(host);
    if (!isIpv6(address) && !/^[\d.]+$/.test(address)) return this.wire.destination(server, transport);
    return this.wire.destination({ address, port: port ?? 5060 }, param(params, 'transport') === 'tcp' ? 'tcp' : 'udp');
  }

  #keepAlive(): void {
    const { keepAliveMs, server, host, transport } = this.options;
    if (keepAliveMs === undefined || transport === 'tcp') return;
    host.network.clock.after(keepAliveMs, () => {
      if (!this.wire.isOpen) return;
      this.wire.ping(server);
      this.#keepAlive();
    });
  }

  #from(): Octets {
    const { displayName } = this.options;
    return displayName === undefined ? octets`<${this.aor}>` : octets`"${encode(displayName)}" <${this.aor}>`;
  }

  #onEvent(event: StackEvent): void {
    switch (event.kind) {
      case 'request':
        this.#onRequest(event.request, event);
        return;
      case 'ack':
        this.#callOf(event.request)?.input({ kind: 'ack', request: event.request });
        return;
      case 'cancel':
        this.calls
          .find((c) => c.key === event.key)
          ?.input({ kind: 'cancelled', key: event.key, request: event.request });
        return;
      case 'response':
        this.#onOutcome(event.owner, event);
        return;
      case 'failed':
        this.#onOutcome(event.owner, event);
        return;
      case 'stray':
        this.#onStray(event.response);
        return;
      case 'server-failed':
      case 'discarded':
        this.note(
          undefined,
          event.kind === 'discarded' ? `discarded ${event.code}` : `server transaction ${event.reason}`,
        );
        return;
    }
  }

  #onOutcome(owner: unknown, event: Extract<StackEvent, { kind: 'response' | 'failed' }>): void {
    if (owner === this.registration) {
      this.registration.outcome(event.kind === 'response' ? event.response : event.reason);
      return;
    }
    const { call, method, seq } = owner as CallOwner;
    if (event.kind === 'response') call.input({ kind: 'response', response: event.response });
    else call.input({ kind: 'failed', method, seq, reason: event.reason });
  }

  #onStray(response: SipResponse): void {
    const call = this.calls.find((c) => c.callId === response.callId && c.localTag === response.fromTag);
    call?.stray(response);
  }

  #onRequest(request: SipRequest, { key }: Extract<StackEvent, { kind: 'request' }>): void {
    const call = this.#callOf(request);
    if (call) {
      call.input({ kind: 'request', key, request });
      return;
    }
    const refuse = (status: number) =>
      this.wire.stack.respond(key, composeResponse(request, status, { toTag: this.token() }), this.now());
    if (request.toTag !== undefined) {
      refuse(481);
    } else if (request.method === 'INVITE') {
      this.#ring(request, key);
    } else {
      this.requests.push(request);
      this.note(undefined, `got ${request.method}`);
      refuse(200);
    }
  }

  #ring(request: SipRequest, key: Extract<StackEvent, { kind: 'request' }>['key']): void {
    const { uri } = request.from;
    const peer = uri.kind === 'sip' ? decode(uri.user ?? uri.host) : decode(uri.kind === 'tel' ? uri.number : uri.text);
    const callId = request.callId;
    const call = new PhoneCall(this, {
      number: this.calls.length + 1,
      direction: 'in',
      peer,
      callId,
      localTag: this.token(),
      key,
    });
    this.calls.push(call);
    this.note(call, `rings, from ${peer}`);
    call.ring(request, key);
    this.#behave(call);
  }

  #behave(call: PhoneCall): void {
    const { behaviour } = this;
    switch (behaviour.kind) {
      case 'busy':
        call.reject(486);
        return;
      case 'decline':
        call.reject(603);
        return;
      case 'reject':
        this.#after(behaviour.afterMs, call, () => call.reject(behaviour.status));
        return;
      case 'answer':
        this.#after(behaviour.afterMs, call, () => call.answer());
        return;
      case 'ring':
        call.progress();
        return;
      case 'wait':
      case 'silent':
        return;
    }
  }

  #after(ms: number | undefined, call: PhoneCall, run: () => void): Appointment | undefined {
    if (ms === undefined || ms === 0) {
      run();
      return undefined;
    }
    call.progress();
    return this.options.host.network.clock.at(later(this.now(), ms), () => {
      if (call.phase === 'ringing') run();
    });
  }

  #callOf(request: SipRequest): PhoneCall | undefined {
    const { callId, toTag } = request;
    return this.calls.find((c) => c.localTag === toTag && c.callId === callId && c.state !== 'ended');
  }
}
