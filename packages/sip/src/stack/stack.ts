/**
 * The one face of transactions and transport towards hosts and TUs: what came off the wire goes in by `receive`, what
 * the TU wants by `request`, `ack`, `cancel` and `respond`, time by the wheel; out come packets and events, at once and
 * in order. No I/O, no clock.
 */
import {
  CRLF,
  type Destination,
  EMPTY,
  type Flow,
  isReliable,
  type Mono,
  type Octets,
  sameAddress,
  type TransportName,
} from '@strowger/proto';
import { LocalProtocolError } from '../errors.ts';
import { composeResponse, type Field } from '../message/compose.ts';
import type { Via } from '../message/headers/via.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { param } from '../message/params.ts';
import { parseMessage } from '../message/parse.ts';
import { screenMessage } from '../message/screen.ts';
import { type ClientKey, ClientLayer, type ClientTransaction } from '../transaction/client-layer.ts';
import { ACK, CANCEL } from '../transaction/hop-by-hop.ts';
import { type Match, matchOf } from '../transaction/match.ts';
import { type ServerKey, ServerLayer, type ServerTransaction, toTagOf } from '../transaction/server-layer.ts';
import { DEFAULT_TIMING } from '../transaction/timing.ts';
import { formatBranch, parseBranch, TokenSource } from '../transaction/token.ts';
import type { Local } from '../transport/local.ts';
import { reconnect, responseDestination } from '../transport/reply.ts';
import { OurNames, viaPort } from '../transport/via.ts';
import { withSource } from './arrival.ts';
import { type Departure, depart } from './departure.ts';
import type { OutboundRequest, Packet, Path, StackCounts, StackEvent, StackOptions } from './events.ts';
import { type StatelessAnswer, StatelessAnswers } from './stateless.ts';

/** A server transaction's way back, and where to connect to when the connection has gone. */
interface ReplyPath extends Path {
  readonly again: Destination | undefined;
  readonly flow: Flow;
}

/** A client transaction's way out. The fallback goes with the first packet and is kept no longer. */
interface RequestPath extends Path {
  fallback: Packet | undefined;
}

const DEFAULT_MAX_TRANSACTIONS = 250_000;
/** A branch without a place: nothing ever answers an ACK. */
const NO_PLACE = 0;

export class SipStack {
  readonly #options: StackOptions;
  readonly #tokens: TokenSource;
  readonly #clients: ClientLayer<RequestPath>;
  readonly #servers: ServerLayer<ReplyPath>;
  #names: OurNames;
  #namesOf: readonly Local[];
  readonly #maxTransactions: number;
  readonly #stateless: StatelessAnswers;
  #stray = 0;

  constructor(options: StackOptions) {
    const { random, wheel, timing = DEFAULT_TIMING, node = 0, locals } = options;
    this.#options = options;
    this.#tokens = new TokenSource(random, node);
    this.#names = new OurNames(locals);
    this.#namesOf = locals;
    this.#maxTransactions = options.maxTransactions ?? DEFAULT_MAX_TRANSACTIONS;
    this.#stateless = new StatelessAnswers(this.#tokens.make(NO_PLACE), options);
    this.#clients = new ClientLayer(
      this.#tokens,
      { wheel, timing },
      {
        transmit: (tx, text) => this.#transmitRequest(tx, text),
        response: ({ key }, owner, response) => this.#emit({ kind: 'response', key, owner, response }),
        failed: ({ key }, owner, reason) => this.#emit({ kind: 'failed', key, owner, reason }),
      },
    );
    this.#servers = new ServerLayer(
      { wheel, timing },
      {
        transmit: (tx, text) => this.#transmitResponse(tx, text),
        ack: ({ path }, request) => this.#emit({ kind: 'ack', request, flow: path.flow }),
        failed: ({ key }, reason) => this.#emit({ kind: 'server-failed', key, reason }),
      },
    );
  }

  /** One datagram, or one message of a stream. */
  receive(text: Octets, flow: Flow, now: Mono): void {
    const outcome = parseMessage(text);
    switch (outcome.kind) {
      case 'message':
        this.#receiveMessage(outcome.message, flow, now);
        return;
      case 'keep-alive':
        // RFC 5626 §4.4.1: pong on streams alone; over UDP keep-alives are STUN's, and these just hold a NAT open.
        if (outcome.ping && isReliable(flow.transport)) this.#options.send({ text: CRLF, to: { kind: 'flow', flow } });
        return;
      case 'garbage':
        this.#stateless.discard('garbage', text, flow);
    }
  }

  /** The host could not send that packet. */
  sendFailed(packet: Packet, now: Mono): void {
    const { transaction, fallback } = packet;
    if (fallback && transaction?.kind === 'client') this.#fallBack(transaction.key, fallback, now);
    else if (fallback) this.#options.send(fallback);
    else if (transaction?.kind === 'server') this.#replyFailed(transaction.key, packet, now);
    else if (transaction) this.#clients.transportError(transaction.key, transaction.kind === 'cancel', now);
  }

  /** The host sent a packet over that connection: if it closes, the transaction fails at once. */
  sentOver({ transaction }: Packet, connection: number): void {
    if (transaction?.kind !== 'client') return;
    const tx = this.#clients.get(transaction.key);
    if (tx) this.#clients.bind(tx, connection);
  }

  connectionClosed(connection: number, now: Mono): void {
    this.#clients.connectionClosed(connection, now);
  }

  /** A new client transaction; never ACK or CANCEL. Its events carry `owner`, which is let go when it ends. */
  request({ method, text, target, loop }: OutboundRequest, owner: unknown, now: Mono): ClientKey {
    if (method === ACK || method === CANCEL)
      throw new LocalProtocolError('SIP_WRONG_STATE', `${method} has its own way`);
    const tx = this.#clients.open(method, owner, loop);
    const departure = depart(text, target, formatBranch(tx.token), this.#options.locals);
    if (departure === undefined) {
      this.#clients.failLater(tx, now);
      return tx.key;
    }
    if (target.kind === 'flow' && target.flow.connection !== undefined) this.#clients.bind(tx, target.flow.connection);
    const { to, local, fallback } = departure;
    const path: RequestPath = { to, local, fallback: fallback && packetOf(fallback) };
    this.#clients.begin(tx, departure.text, path, isReliable(transportOf(to)), now);
    return tx.key;
  }

  /** Drops a request unanswered, as a policy may want it (a tarpit): nothing of it is kept. */
  forget(key: ServerKey): void {
    this.#servers.forget(key);
  }

  /**
   * Answers once and keeps nothing: for those who have not shown who they are (RFC 3261 §26.3.2.4), or a flood of their
   * requests would be a flood of our memory, and of retransmissions to whom they name. Comes it again, it is new, and
   * gets the same To tag (§8.2.7).
   */
  dismiss(key: ServerKey, { request, flow }: { request: SipRequest; flow: Flow }, answer: StatelessAnswer): void {
    const { status, ...parts } = answer;
    this.#servers.forget(key);
    this.#stateless.answer(request, status, flow, parts);
  }

  /** The ACK of a 2xx: no transaction, a branch of its own (RFC 3261 §13.2.2.4). Lost ones are the TU's to send again. */
  ack(text: Octets, target: Destination, _now: Mono): void {
    const branch = formatBranch(this.#tokens.make(NO_PLACE));
    const departure = depart(text, target, branch, this.#options.locals);
    if (departure) this.#options.send(packetOf(departure));
  }

  /** Gives an INVITE up: a CANCEL goes as soon as the peer has shown that it has the INVITE (RFC 3261 §9.1). */
  cancel(key: ClientKey, now: Mono, fields: readonly Field[] = []): void {
    this.#clients.cancel(key, fields, now);
  }

  /** The TU's response, made by `composeResponse`. One that comes too late, or is not allowed, goes nowhere. */
  respond(key: ServerKey, text: Octets, now: Mono): void {
    this.#servers.respond(key, text, now);
  }

  counts(): StackCounts {
    return {
      client: this.#clients.size,
      server: this.#servers.size,
      ...this.#stateless.counts(),
      stray: this.#stray,
    };
  }

  #receiveMessage(message: SipMessage, flow: Flow, now: Mono): void {
    if (message.kind === 'response') {
      const screening = screenMessage(message);
      if (screening) this.#stateless.discard(screening.code, message.text, flow);
      else this.#receiveResponse(message, flow, now);
      return;
    }
    const request = withSource(message, flow);
    const screening = screenMessage(request ?? message);
    if (screening) this.#stateless.refuse(request ?? message, screening, message.text, flow);
    else if (request === undefined) this.#stateless.discard('via-unreadable', message.text, flow);
    else if (request.method === ACK) this.#receiveAck(request, flow, now);
    else if (request.method === CANCEL) this.#receiveCancel(request, flow);
    else this.#receiveRequest(request, flow, now);
  }

  #receiveResponse(response: SipResponse, flow: Flow, now: Mono): void {
    const { topVia } = response;
    // RFC 3261 §18.1.2: not our name, not our response.
    if (!this.#isOurs(topVia, flow)) {
      this.#stateless.discard('via-not-ours', response.text, flow);
      return;
    }
    const token = parseBranch(param(topVia.params, 'branch') ?? EMPTY);
    const to = token && this.#clients.named(token)?.path?.to;
    if (to && !sameAddress(addressOf(to), flow.remote.address)) {
      // Our Via has `rport`, so an answer comes from where its request went (RFC 3581 §4): this is somebody who overheard.
      this.#stateless.discard('response-from-elsewhere', response.text, flow);
      return;
    }
    if (token && this.#clients.receive(response, token, now)) return;
    this.#stray += 1;
    this.#emit({ kind: 'stray', response, flow });
  }

  /** Listeners come and go with the configuration: `locals` may be replaced. */
  #isOurs(topVia: Via, flow: Flow): boolean {
    const { locals } = this.#options;
    if (locals !== this.#namesOf) {
      this.#names = new OurNames(locals);
      this.#namesOf = locals;
    }
    return this.#names.has(topVia, flow);
  }

  #receiveRequest(request: SipRequest, flow: Flow, now: Mono): void {
    const match = matchOf(request);
    const known = this.#servers.find(match, request.method);
    if (known) this.#servers.feed(known, { kind: 'retransmission', now });
    else if (this.#servers.size >= this.#maxTransactions) this.#stateless.overload(request, flow);
    else this.#open(request, match, flow, now);
  }

  #open(request: SipRequest, match: Match, flow: Flow, now: Mono): void {
    const { topVia } = request;
    const to = responseDestination(topVia, flow);
    const path: ReplyPath = { to, local: undefined, flow, again: reconnect(flow, viaPort(topVia, flow.transport)) };
    const tx = this.#servers.open(request, match, path, isReliable(flow.transport), now);
    try {
      this.#emit({ kind: 'request', key: tx.key, request, flow });
    } catch (error) {
      // The peer is not to wait for a TU that has fallen over; the host is to know that it has.
      if (tx.pending) this.respond(tx.key, composeResponse(request, 500, { toTag: this.#stateless.tag(request) }), now);
      throw error;
    }
  }

  #receiveAck(request: SipRequest, flow: Flow, now: Mono): void {
    const tx = this.#servers.findForAck(matchOf(request), request.toTag);
    if (tx) this.#servers.feed(tx, { kind: 'ack', now }, request);
    else this.#emit({ kind: 'ack', request, flow });
  }

  /** RFC 3261 §9.2. The answer is the same each time and needs no state: what matters is the INVITE. */
  #receiveCancel(request: SipRequest, flow: Flow): void {
    const tx = this.#servers.findForCancel(matchOf(request));
    // §22.1: nobody can be asked for credentials here, so a CANCEL is taken from the hop that sent the request.
    if (tx === undefined || tx.path.flow.remote.address !== flow.remote.address) {
      this.#stateless.answer(request, 481, flow);
      return;
    }
    const { state } = tx;
    const provisional = state.state === 'proceeding' ? state.provisional : undefined;
    // §9.2: the To tag of the INVITE's own responses, where there is one.
    const toTag = provisional && toTagOf(provisional);
    this.#stateless.answer(request, 200, flow, toTag === undefined ? {} : { toTag });
    if (state.machine !== 'invite-server' || !tx.pending || tx.cancelled) return;
    tx.cancelled = true;
    this.#emit({ kind: 'cancel', key: tx.key, request });
  }

  #fallBack(key: ClientKey, packet: Packet, now: Mono): void {
    const { text, to, local } = packet;
    this.#clients.fallBack(key, text, { to, local, fallback: undefined }, now);
  }

  #replyFailed(key: ServerKey, packet: Packet, now: Mono): void {
    const tx = this.#servers.get(key);
    if (tx === undefined) return;
    // RFC 3261 §18.2.2: the connection has gone, the peer may take another.
    const again = packet.to.kind === 'flow' ? tx.path.again : undefined;
    if (again) this.#options.send({ ...packet, to: again });
    else this.#servers.feed(tx, { kind: 'transport-error', now });
  }

  #transmitRequest(tx: ClientTransaction<RequestPath>, text: Octets): void {
    const { path } = tx;
    if (path === undefined) return;
    const { to, local, fallback } = path;
    path.fallback = undefined;
    const transaction = { kind: tx.invite ? 'cancel' : 'client', key: tx.key } as const;
    const packet: Packet = { text, to, transaction, ...(local && { local }) };
    this.#options.send(fallback ? { ...packet, fallback } : packet);
  }

  #transmitResponse({ key, path }: ServerTransaction<ReplyPath>, text: Octets): void {
    this.#options.send({ text, to: path.to, transaction: { kind: 'server', key } });
  }

  #emit(event: StackEvent): void {
    this.#options.emit(event);
  }
}

function packetOf({ text, to, local, fallback }: Departure): Packet {
  const packet: Packet = { text, to, ...(local && { local }) };
  return fallback ? { ...packet, fallback: packetOf(fallback) } : packet;
}

const addressOf = (to: Destination): string => (to.kind === 'flow' ? to.flow.remote : to.remote).address;
const transportOf = (to: Destination): TransportName => (to.kind === 'flow' ? to.flow.transport : to.transport);
