/**
 * Server transactions, found by the peer's branch, sent-by and method (RFC 3261 §17.2.3), and by the key the TU got.
 * As in the client layer, everything stands before anything is sent or reported.
 */
import { type Mono, type Octets, own, Timed } from '@strowger/proto';
import { composeResponse } from '../message/compose.ts';
import type { SipRequest } from '../message/message.ts';
import { parseMessage } from '../message/parse.ts';
import type { LayerOptions } from './client-layer.ts';
import { INVITE } from './hop-by-hop.ts';
import * as inviteServer from './invite-server.ts';
import type { FailureReason, ServerInput } from './machine.ts';
import { type Match, matchKey } from './match.ts';
import * as server from './server.ts';
import { Slots } from './slots.ts';

declare const brand: unique symbol;
/** Names a server transaction; a number, so that holding it holds nothing. */
export type ServerKey = number & { readonly [brand]: 'server' };

export interface ServerHost<P> {
  transmit(tx: ServerTransaction<P>, text: Octets): void;
  /** An ACK for a 2xx that came by its INVITE's branch. */
  ack(tx: ServerTransaction<P>, request: SipRequest): void;
  failed(tx: ServerTransaction<P>, reason: FailureReason): void;
}

export class ServerTransaction<P> extends Timed {
  readonly key: ServerKey;
  readonly match: Octets;
  readonly method: Octets;
  readonly path: P;
  readonly legacy: boolean;
  state: inviteServer.InviteServer | server.Server;
  /** For the 100 that the machine may ask for; let go with the first response. */
  request: SipRequest | undefined;
  /** A peer of RFC 2543 shows it in its ACK. */
  toTag: Octets | undefined;
  /** The TU knows of the CANCEL. */
  cancelled = false;
  readonly #layer: ServerLayer<P>;

  constructor(
    layer: ServerLayer<P>,
    of: Pick<ServerTransaction<P>, 'key' | 'match' | 'method' | 'path' | 'legacy' | 'state' | 'request'>,
  ) {
    super();
    this.#layer = layer;
    this.key = of.key;
    this.match = of.match;
    this.method = of.method;
    this.path = of.path;
    this.legacy = of.legacy;
    this.state = of.state;
    this.request = of.request;
  }

  /** Whether the TU has yet to give its final response. */
  get pending(): boolean {
    return this.state.state === 'proceeding' || this.state.state === 'trying';
  }

  onDue(now: Mono): void {
    this.#layer.feed(this, { kind: 'tick', now });
  }
}

export class ServerLayer<P> {
  readonly #slots = new Slots<ServerTransaction<P>>();
  readonly #byMatch = new Map<Octets, ServerTransaction<P>>();
  readonly #options: LayerOptions;
  readonly #host: ServerHost<P>;

  constructor(options: LayerOptions, host: ServerHost<P>) {
    this.#options = options;
    this.#host = host;
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: ServerKey): ServerTransaction<P> | undefined {
    return this.#slots.get(key);
  }

  find(match: Match, method: Octets): ServerTransaction<P> | undefined {
    return this.#byMatch.get(matchKey(match, method));
  }

  /** RFC 3261 §9.2: a CANCEL names any request but another CANCEL; in practice an INVITE. */
  findForCancel(match: Match): ServerTransaction<P> | undefined {
    for (const method of CANCELLABLE) {
      const tx = this.find(match, method);
      if (tx) return tx;
    }
    return undefined;
  }

  /** The INVITE that this ACK belongs to, if it is not the ACK of a 2xx. */
  findForAck(match: Match, toTag: Octets | undefined): ServerTransaction<P> | undefined {
    const tx = this.find(match, INVITE);
    return tx?.legacy && tx.toTag !== undefined && tx.toTag !== toTag ? undefined : tx;
  }

  open(request: SipRequest, match: Match, path: P, reliable: boolean, now: Mono): ServerTransaction<P> {
    const { timing } = this.#options;
    const isInvite = request.method === INVITE;
    const tx = this.#slots.add(
      (key) =>
        new ServerTransaction<P>(this, {
          key: key as ServerKey,
          // A key made of slices would keep the datagram alive.
          match: own(matchKey(match, request.method)),
          method: isInvite ? INVITE : own(request.method),
          path,
          legacy: match.legacy,
          state: isInvite ? inviteServer.start(reliable, timing, now) : server.start(reliable, timing, now),
          request,
        }),
    );
    this.#byMatch.set(tx.match, tx);
    this.#arm(tx);
    return tx;
  }

  /** The TU's response; whether there was a transaction for it. */
  respond(key: ServerKey, text: Octets, now: Mono): boolean {
    const tx = this.#slots.get(key);
    if (tx === undefined) return false;
    if (tx.legacy && tx.method === INVITE) tx.toTag = toTagOf(text) ?? tx.toTag;
    this.feed(tx, { kind: 'respond', now, status: statusOf(text), text });
    return true;
  }

  /** Ends a transaction without a word, as if its request had never come. */
  forget(key: ServerKey): void {
    const tx = this.#slots.get(key);
    if (tx) this.#end(tx);
  }

  feed(tx: ServerTransaction<P>, input: ServerInput, ack?: SipRequest): void {
    const { state } = tx;
    const [next, outputs] = state.machine === 'server' ? server.step(state, input) : inviteServer.step(state, input);
    tx.state = next;
    if (!tx.pending || ('provisional' in next && next.provisional !== undefined)) tx.request = undefined;
    if (next.state === 'terminated') this.#end(tx);
    else this.#arm(tx);
    for (const out of outputs) {
      if (out.kind === 'send') this.#host.transmit(tx, out.text);
      else if (out.kind === 'trying-due') this.#trying(tx, input.now);
      else if (out.kind === 'failed') this.#host.failed(tx, out.reason);
      else if (ack) this.#host.ack(tx, ack);
    }
  }

  #trying(tx: ServerTransaction<P>, now: Mono): void {
    const { request } = tx;
    if (request) this.feed(tx, { kind: 'respond', now, status: 100, text: composeResponse(request, 100) });
  }

  #arm(tx: ServerTransaction<P>): void {
    const { state } = tx;
    const due = state.machine === 'server' ? server.nextDeadline(state) : inviteServer.nextDeadline(state);
    if (due === undefined) this.#options.wheel.stop(tx);
    else this.#options.wheel.set(tx, due);
  }

  #end(tx: ServerTransaction<P>): void {
    this.#options.wheel.stop(tx);
    tx.request = undefined;
    this.#byMatch.delete(tx.match);
    this.#slots.remove(tx.key);
  }
}

/** A CANCEL does not say what it cancels. Methods that it never helps to cancel are answered 481. */
const CANCELLABLE: readonly Octets[] = ['INVITE', 'SUBSCRIBE', 'REGISTER', 'OPTIONS', 'MESSAGE', 'REFER'] as Octets[];

/** `SIP/2.0 NNN`: the text is one of ours. */
function statusOf(text: Octets): number {
  return (text.charCodeAt(8) - 48) * 100 + (text.charCodeAt(9) - 48) * 10 + text.charCodeAt(10) - 48;
}

/** The To tag of a response of ours, for the two that ask: RFC 2543's ACK, and the answer to a CANCEL. */
export function toTagOf(text: Octets): Octets | undefined {
  const outcome = parseMessage(text);
  if (outcome.kind !== 'message') return undefined;
  const tag = outcome.message.toTag;
  return tag === undefined ? undefined : own(tag);
}
