/**
 * Client transactions by our own branches (RFC 3261 §17.1.3): the token in a branch names the place in a table, and its
 * random bits must be those of the transaction there. A CANCEL shares the branch of its INVITE and hangs on it.
 *
 * In every step the new state stands, its timer is set and what has ended is out of the tables before anything is sent
 * or reported, so that a TU may call back in, or throw, at any point.
 */
import { type Mono, type Octets, Timed, type TimerWheel } from '@strowger/proto';
import type { Field } from '../message/compose.ts';
import type { SipResponse } from '../message/message.ts';
import * as client from './client.ts';
import { CANCEL, INVITE, makeAck, makeCancel } from './hop-by-hop.ts';
import * as inviteClient from './invite-client.ts';
import { type ClientInput, type ClientStep, type FailureReason, UNREACHABLE } from './machine.ts';
import { keyOf, Slots } from './slots.ts';
import type { Timing } from './timing.ts';
import { sameRandom, type Token, type TokenSource } from './token.ts';

declare const brand: unique symbol;
/** Names a client transaction; a number, so that holding it holds nothing. */
export type ClientKey = number & { readonly [brand]: 'client' };

/** What the layer needs of whoever sends and decides. `P` says where a transaction's texts go; opaque here. */
export interface ClientHost<P> {
  transmit(tx: ClientTransaction<P>, text: Octets): void;
  response(tx: ClientTransaction<P>, owner: unknown, response: SipResponse): void;
  failed(tx: ClientTransaction<P>, owner: unknown, reason: FailureReason): void;
}

/** One transaction: a machine's state, and what ties it to the world. */
export class ClientTransaction<P> extends Timed {
  readonly key: ClientKey;
  readonly token: Token;
  readonly method: Octets;
  /** Of a CANCEL: the INVITE. */
  readonly invite: ClientTransaction<P> | undefined;
  owner: unknown;
  path: P | undefined;
  state: inviteClient.InviteClient | client.Client | undefined;
  /** Of an INVITE: its CANCEL, and what that is to carry. */
  cancel: ClientTransaction<P> | undefined;
  cancelFields: readonly Field[] | undefined;
  connection: number | undefined;
  readonly #layer: ClientLayer<P>;

  constructor(
    layer: ClientLayer<P>,
    of: { key: ClientKey; token: Token; method: Octets; invite?: ClientTransaction<P> },
  ) {
    super();
    this.#layer = layer;
    this.key = of.key;
    this.token = of.token;
    this.method = of.method;
    this.invite = of.invite;
  }

  get ended(): boolean {
    return this.state?.state === 'terminated';
  }

  onDue(now: Mono): void {
    this.#layer.tick(this, now);
  }
}

export interface LayerOptions {
  readonly wheel: TimerWheel;
  readonly timing: Timing;
}

export class ClientLayer<P> {
  readonly #slots = new Slots<ClientTransaction<P>>();
  readonly #byConnection = new Map<number, Set<ClientTransaction<P>>>();
  readonly #tokens: TokenSource;
  readonly #options: LayerOptions;
  readonly #host: ClientHost<P>;

  constructor(tokens: TokenSource, options: LayerOptions, host: ClientHost<P>) {
    this.#tokens = tokens;
    this.#options = options;
    this.#host = host;
  }

  get size(): number {
    return this.#slots.size;
  }

  get(key: ClientKey): ClientTransaction<P> | undefined {
    return this.#slots.get(key);
  }

  /** Takes a place, and with it a branch. `begin` must follow: the branch has to be in the text first. */
  open(method: Octets, owner: unknown, loop?: number): ClientTransaction<P> {
    const tx = this.#slots.add(
      (key) => new ClientTransaction<P>(this, { key: key as ClientKey, token: this.#tokens.make(key, loop), method }),
    );
    tx.owner = owner;
    return tx;
  }

  begin(tx: ClientTransaction<P>, text: Octets, path: P, reliable: boolean, now: Mono): void {
    tx.path = path;
    const machine = tx.method === INVITE ? inviteClient : client;
    this.#perform(tx, machine.start(text, reliable, this.#options.timing, now));
  }

  /** There is no way to send it: the failure is reported when time next moves, so that the TU has the key by then. */
  failLater(tx: ClientTransaction<P>, now: Mono): void {
    this.#options.wheel.set(tx, now);
  }

  /** The transaction that a branch of ours names. */
  named(token: Token): ClientTransaction<P> | undefined {
    const tx = this.#slots.get(keyOf(token.slot, token.generation));
    return tx !== undefined && sameRandom(tx.token, token) ? tx : undefined;
  }

  /** Whether the response was a transaction's. */
  receive(response: SipResponse, token: Token, now: Mono): boolean {
    const opened = this.named(token);
    if (opened === undefined) return false;
    const { method } = response.cseq;
    const tx = method === CANCEL && opened.method === INVITE ? opened.cancel : opened;
    if (tx?.state === undefined || tx.ended || tx.method !== method) return false;
    const { status } = response;
    const input: ClientInput = { kind: 'response', now, status };
    this.#feed(tx, needsAck(tx, status) ? { ...input, ack: makeAck(tx.state.request, response) } : input, response);
    return true;
  }

  /** RFC 3261 §9.1; the machine decides when the CANCEL goes. */
  cancel(key: ClientKey, fields: readonly Field[], now: Mono): void {
    const tx = this.#slots.get(key);
    if (tx?.method !== INVITE || tx.state === undefined || tx.cancel !== undefined) return;
    tx.cancelFields ??= fields;
    this.#feed(tx, { kind: 'cancel', now });
  }

  /** The text could not be sent the way it was to go, and goes another. */
  fallBack(key: ClientKey, request: Octets, path: P, now: Mono): void {
    const tx = this.#slots.get(key);
    if (tx?.state?.state !== 'calling' && tx?.state?.state !== 'trying') return;
    this.#unbind(tx);
    tx.path = path;
    this.#feed(tx, { kind: 'fall-back', now, request });
  }

  transportError(key: ClientKey, ofCancel: boolean, now: Mono): void {
    const opened = this.#slots.get(key);
    const tx = ofCancel ? opened?.cancel : opened;
    if (tx) this.#feed(tx, { kind: 'transport-error', now });
  }

  /** From now on it stands and falls with that connection. */
  bind(tx: ClientTransaction<P>, connection: number): void {
    if (tx.ended || tx.connection === connection) return;
    this.#unbind(tx);
    tx.connection = connection;
    const bound = this.#byConnection.get(connection);
    if (bound) bound.add(tx);
    else this.#byConnection.set(connection, new Set([tx]));
  }

  connectionClosed(connection: number, now: Mono): void {
    const bound = this.#byConnection.get(connection);
    if (bound === undefined) return;
    this.#byConnection.delete(connection);
    for (const tx of bound) tx.connection = undefined;
    for (const tx of [...bound]) this.#feed(tx, { kind: 'transport-error', now });
  }

  /** @internal */
  tick(tx: ClientTransaction<P>, now: Mono): void {
    if (tx.state === undefined) this.#perform(tx, [client.TERMINATED, [UNREACHABLE]]);
    else this.#feed(tx, { kind: 'tick', now });
  }

  #feed(tx: ClientTransaction<P>, input: ClientInput, response?: SipResponse): void {
    const { state } = tx;
    if (state === undefined) return;
    const step = state.machine === 'client' ? client.step(state, input) : inviteClient.step(state, input);
    this.#perform(tx, step, response, input.now);
  }

  #perform(
    tx: ClientTransaction<P>,
    [state, outputs]: ClientStep<inviteClient.InviteClient | client.Client>,
    response?: SipResponse,
    now?: Mono,
  ): void {
    const { owner, state: before } = tx;
    tx.state = state;
    if (state.state === 'terminated') this.#end(tx);
    else this.#arm(tx, state);
    for (const out of outputs) {
      if (out.kind === 'send') this.#host.transmit(tx, out.text);
      else if (out.kind === 'response') this.#passUp(tx, owner, response);
      else if (out.kind === 'failed') this.#fail(tx, owner, out.reason);
      else if (before && 'request' in before && now !== undefined) this.#sendCancel(tx, before.request, now);
    }
    if (state.state === 'terminated') tx.path = undefined;
  }

  #passUp(tx: ClientTransaction<P>, owner: unknown, response: SipResponse | undefined): void {
    // What becomes of the CANCEL itself interests nobody: the INVITE's end is what counts.
    if (response && !tx.invite) this.#host.response(tx, owner, response);
  }

  #fail(tx: ClientTransaction<P>, owner: unknown, reason: FailureReason): void {
    if (!tx.invite) this.#host.failed(tx, owner, reason);
  }

  #sendCancel(invite: ClientTransaction<P>, request: Octets, now: Mono): void {
    const { key, token, path, state, connection } = invite;
    if (path === undefined || state?.state !== 'proceeding' || state.machine !== 'invite-client') return;
    const cancel = new ClientTransaction<P>(this, { key, token, method: CANCEL, invite });
    invite.cancel = cancel;
    const text = makeCancel(request, invite.cancelFields ?? []);
    invite.cancelFields = undefined;
    if (connection !== undefined) this.bind(cancel, connection);
    // The same place by the same transport as the INVITE (§9.1).
    this.begin(cancel, text, path, state.reliable, now);
  }

  #arm(tx: ClientTransaction<P>, state: inviteClient.InviteClient | client.Client): void {
    const due = state.machine === 'client' ? client.nextDeadline(state) : inviteClient.nextDeadline(state);
    if (due === undefined) this.#options.wheel.stop(tx);
    else this.#options.wheel.set(tx, due);
  }

  #end(tx: ClientTransaction<P>): void {
    this.#options.wheel.stop(tx);
    this.#unbind(tx);
    tx.owner = undefined;
    tx.cancelFields = undefined;
    const opened = tx.invite ?? tx;
    // An INVITE keeps its place until its CANCEL is done too: both are found by one branch.
    if (opened.ended && (opened.cancel === undefined || opened.cancel.ended)) this.#slots.remove(opened.key);
  }

  #unbind(tx: ClientTransaction<P>): void {
    if (tx.connection === undefined) return;
    const bound = this.#byConnection.get(tx.connection);
    bound?.delete(tx);
    if (bound?.size === 0) this.#byConnection.delete(tx.connection);
    tx.connection = undefined;
  }
}

function needsAck<P>(
  tx: ClientTransaction<P>,
  status: number,
): tx is ClientTransaction<P> & { state: { readonly request: Octets } } {
  return status >= 300 && (tx.state?.state === 'calling' || tx.state?.state === 'proceeding') && 'request' in tx.state;
}
