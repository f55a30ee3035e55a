/** A scripted phone's REGISTER, RFC 3261 §10.2: once, with digest, refreshed before it expires. */
import { encode, type Octets, octets, randomHex } from '@strowger/proto';
import type { digestClient } from '@strowger/sip/auth';
import {
  composeRequest,
  contact,
  equalUri,
  expires,
  type Field,
  minExpires,
  param,
  parseUri,
  type SipResponse,
} from '@strowger/sip/message';
import type { Phone } from './phone.ts';
import type { Appointment } from './virtual-clock.ts';

const REGISTER: Octets = octets`REGISTER`;

export class Registration {
  state: 'none' | 'trying' | 'registered' | 'failed' = 'none';
  /** Of the last final response; 408 where none came. */
  status: number | undefined;
  /** What the registrar granted, in seconds. */
  granted = 0;
  /** Whether it registers again by itself, at nine tenths of its time. */
  refreshes = true;
  /** How long after a failure it tries again; undefined for never. */
  retryMs: number | undefined;
  readonly #phone: Phone;
  readonly #callId: Octets;
  readonly #tag: Octets;
  #seq = 0;
  #seconds = 0;
  #tries: digestClient.DigestTries = [];
  #next: Appointment | undefined;

  constructor(phone: Phone) {
    this.#phone = phone;
    this.#callId = octets`${encode(randomHex(phone.options.host.random, 12))}@${encode(phone.name)}`;
    this.#tag = phone.token();
  }

  register(seconds: number): void {
    this.#next?.cancel();
    this.#seconds = seconds;
    this.state = 'trying';
    const { fields, tries } = this.#phone.login.credentials('REGISTER', this.#uri());
    this.#tries = tries;
    this.#send(fields);
  }

  stop(): void {
    this.#next?.cancel();
  }

  /** @internal The response, or how there was none. */
  outcome(result: SipResponse | 'timeout' | 'transport'): void {
    if (typeof result === 'string') {
      this.#failed(result === 'timeout' ? 408 : 503);
      return;
    }
    const { status } = result;
    if (status < 200) return;
    if (status === 401 || status === 407) {
      const retry = this.#phone.login.answer(result, 'REGISTER', this.#uri(), this.#tries);
      if (retry) {
        this.#tries = retry.tries;
        this.#send(retry.fields);
        return;
      }
    }
    const least = result.get(minExpires);
    if (status === 423 && least !== undefined && least > this.#seconds) this.register(least);
    else if (status < 300) this.#succeeded(result);
    else this.#failed(status);
  }

  #succeeded(response: SipResponse): void {
    this.status = response.status;
    this.granted = this.#seconds === 0 ? 0 : grantedTo(response, this.#phone.contactUri);
    this.state = this.granted > 0 ? 'registered' : 'none';
    this.#phone.note(undefined, this.granted > 0 ? `registered for ${this.granted} s` : 'not registered any more');
    if (this.granted > 0 && this.refreshes) this.#again(this.granted * 900);
  }

  #failed(status: number): void {
    this.status = status;
    this.state = 'failed';
    this.granted = 0;
    this.#phone.note(undefined, `registration failed ${status}`);
    if (this.retryMs !== undefined && this.#seconds > 0) this.#again(this.retryMs);
  }

  #again(ms: number): void {
    this.#next = this.#phone.options.host.network.clock.after(ms, () => this.register(this.#seconds));
  }

  #uri(): Octets {
    return octets`sip:${encode(this.#phone.options.domain)}`;
  }

  #send(credentials: readonly Field[]): void {
    const { aor, contactUri, wire, options } = this.#phone;
    this.#seq += 1;
    const text = composeRequest({
      method: REGISTER,
      uri: this.#uri(),
      fields: [
        ['Max-Forwards', octets`70`],
        ['From', octets`<${aor}>;tag=${this.#tag}`],
        ['To', octets`<${aor}>`],
        ['Call-ID', this.#callId],
        ['CSeq', octets`${this.#seq} REGISTER`],
        ['Contact', octets`<${contactUri}>${encode(options.contactParams ?? '')}`],
        ['Expires', octets`${this.#seconds}`],
        ...credentials,
      ],
    });
    const target = wire.destination(options.server, options.transport ?? 'udp');
    wire.stack.request({ method: REGISTER, text, target }, this, wire.now());
    wire.poke();
  }
}

/** The seconds that a 200 gives our own contact, among all that it lists. */
function grantedTo(response: SipResponse, uri: Octets): number {
  const ours = parseUri(uri);
  for (const value of response.getAll(contact)) {
    if (value === '*' || !ours.ok || !equalUri(value.uri, ours.value)) continue;
    return Number(param(value.params, 'expires') ?? response.get(expires) ?? 0);
  }
  return 0;
}
