/** SIP as modules see it, over the stack: answers with their reasons, requests with an owner, Contacts that lead back. */
import {
  bareHost,
  type Destination,
  encode,
  formatHost,
  isIpv6,
  lowerAscii,
  type Octets,
  octets,
  type TransportName,
} from '@strowger/proto';
import {
  type ClientKey,
  chooseLocal,
  composeResponse,
  defaultPort,
  type Field,
  formatToken,
  param,
  parseUri,
  type ServerKey,
  type SipUri,
  TokenSource,
} from '@strowger/sip';
import type { ClientOwner, Pending, ServerOwner, SipPort, SipRequestOut } from './context.ts';
import type { DialogTable } from './dialog-table.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Listening } from './host.ts';
import type { KernelParts } from './parts.ts';
import type { Reason } from './reason.ts';

const SERVER_NAME = octets`Strowger`;
const ONE = 0x31;
/** What is no address would be looked up as a name by the system, on a stranger's word. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const TRANSPORTS: ReadonlySet<string> = new Set(['udp', 'tcp', 'tls', 'ws', 'wss']);

export class KernelSipPort implements SipPort {
  readonly #kernel: KernelParts;
  readonly dialogs: DialogTable;
  readonly #tokens: TokenSource;
  #allow: Octets | undefined;

  constructor(kernel: KernelParts, node: number) {
    this.#kernel = kernel;
    this.#tokens = new TokenSource(kernel.host.random, node);
    this.dialogs = kernel.dialogs;
  }

  answer(exchange: Exchange, answer: Answer): void {
    const { status, phrase, body, contentType } = answer;
    const { key, request } = exchange;
    const parts = {
      fields: [...(answer.fields ?? []), ['Server', SERVER_NAME] as const],
      ...(phrase === undefined ? {} : { reason: phrase }),
      ...(body === undefined ? {} : { body }),
      ...(contentType === undefined ? {} : { contentType }),
    };
    exchange.trail.push(answer.reason);
    if (exchange.principal.kind === 'anonymous' && status >= 300) {
      this.why(request.callId, answer.reason);
      this.#kernel.stack.dismiss(key, exchange, { status, ...parts });
      return;
    }
    const toTag = status > 100 && request.toTag === undefined ? { toTag: this.token() } : {};
    this.respond(
      { key, callId: request.callId },
      composeResponse(request, status, { ...parts, ...toTag }),
      answer.reason,
    );
  }

  respond({ key, callId }: Pending, text: Octets, reason: Reason): void {
    this.why(callId, reason);
    // `SIP/2.0 NNN`: the text is one of ours.
    if (text.charCodeAt(8) > ONE) this.#kernel.unwatch(key);
    this.#kernel.stack.respond(key, text, this.#kernel.host.clock.now());
  }

  watch(key: ServerKey, owner: ServerOwner): void {
    this.#kernel.watch(key, owner);
  }

  resend(text: Octets, to: Destination): void {
    this.#kernel.send({ text, to });
  }

  request(request: SipRequestOut, owner: ClientOwner): ClientKey {
    const key = this.#kernel.stack.request(request, owner, this.#kernel.host.clock.now());
    this.#kernel.host.poke();
    return key;
  }

  ack(text: Octets, target: Destination): void {
    this.#kernel.stack.ack(text, target, this.#kernel.host.clock.now());
  }

  cancel(key: ClientKey, fields?: readonly Field[]): void {
    this.#kernel.stack.cancel(key, this.#kernel.host.clock.now(), fields);
  }

  token(): Octets {
    return formatToken(this.#tokens.make(0));
  }

  contact(user: Octets, towards: Destination): Octets {
    const { address, transport } = chooseLocal(this.#kernel.host.transports.listening, towards) ?? this.#anyListener();
    const parameter = transport === 'udp' ? octets`` : octets`;transport=${encode(transport)}`;
    return octets`<sip:${user}@${encode(formatHost(address.address))}:${address.port}${parameter}>`;
  }

  resolve(nextHop: Octets): Destination | undefined {
    const uri = parseUri(nextHop);
    return uri.ok && uri.value.kind === 'sip' ? destinationOf(uri.value) : undefined;
  }

  isLive(destination: Destination): boolean {
    return destination.kind === 'address' || this.#kernel.host.transports.isLive(destination.flow);
  }

  allow(): Octets {
    this.#allow ??= encode(['ACK', 'BYE', 'CANCEL', ...this.#kernel.claims.methods()].join(', '));
    return this.#allow;
  }

  why(callId: Octets, reason: Reason): void {
    this.#kernel.trace.why(this.#kernel.host.clock.wall(), callId, encode(JSON.stringify(reason)));
  }

  #anyListener(): Listening {
    const first = this.#kernel.host.transports.listening[0];
    if (!first) throw new Error('no listener: nothing can be sent');
    return first;
  }
}

/** RFC 3263 §4 as far as it needs no name server: a host that is an address, with its transport and port. */
function destinationOf(uri: SipUri): Destination | undefined {
  const address = bareHost(uri.host);
  const named = lowerAscii(param(uri.params, 'transport') ?? octets``);
  const transport = (TRANSPORTS.has(named) ? named : uri.secure ? 'tls' : 'udp') as TransportName;
  if (named !== '' && !TRANSPORTS.has(named)) return undefined;
  if (!isIpv6(address) && !IPV4.test(address)) return undefined;
  const port = uri.port ?? defaultPort(transport);
  return { kind: 'address', transport, remote: { address, port } };
}
