/** A request's way through the server: screen → authenticate → route → handle. Each stage may end it with an answer. */

import { type Flow, lowerAscii, type Octets, octets } from '@strowger/proto';
import type { ServerKey, SipRequest } from '@strowger/sip';
import type { DialogOwner } from './dialog-table.ts';
import type { Answer, Exchange, Plan, Verdict } from './exchange.ts';
import { errorFields } from './log.ts';
import type { KernelParts } from './parts.ts';
import { ANONYMOUS, mayDo, type Principal, RIGHT_OF_METHOD } from './principal.ts';
import { because, type Reason } from './reason.ts';
import { classify } from './request-class.ts';

const STOPPING: Answer = {
  status: 503,
  reason: because('server-stops'),
  fields: [['Retry-After', octets`5`]],
};

export class Pipeline {
  readonly #kernel: KernelParts;

  constructor(kernel: KernelParts) {
    this.#kernel = kernel;
  }

  run(key: ServerKey, request: SipRequest, flow: Flow): void {
    const owner = request.toTag === undefined ? undefined : this.#kernel.dialogs.find(request.callId, request.toTag);
    const kind = classify(request, owner !== undefined);
    const exchange: Exchange = { key, request, flow, class: kind, principal: ANONYMOUS, trail: [] };
    this.#kernel.counters.of(`sip_requests_${exchange.class}`).value += 1;
    try {
      this.#decide(exchange, owner);
    } catch (error) {
      this.#failed(exchange, error);
    }
  }

  #decide(exchange: Exchange, owner: DialogOwner | undefined): void {
    for (const { run } of this.#kernel.screen.links()) {
      if (this.#ended(exchange, run(exchange))) return;
    }
    if (exchange.request.toTag !== undefined) return this.#inDialog(exchange, owner);
    if (this.#kernel.stopping) return this.#answer(exchange, STOPPING);
    if (!this.#authenticated(exchange) || !this.#routed(exchange)) return;
    this.#handle(exchange);
  }

  /** Dialogs answer for themselves: who holds both tags was told them by us (RFC 3261 §12.2.2). */
  #inDialog(exchange: Exchange, owner: DialogOwner | undefined): void {
    if (!owner) return this.#answer(exchange, { status: 481, reason: because('no-such-dialog') });
    exchange.principal = owner.principal;
    const answer = owner.request(exchange);
    if (answer) this.#answer(exchange, answer);
  }

  #authenticated(exchange: Exchange): boolean {
    for (const { run } of this.#kernel.authenticate.links()) {
      const said = run(exchange);
      if (said === undefined) continue;
      if (isVerdict(said)) return !this.#ended(exchange, said);
      exchange.principal = said;
      break;
    }
    const right = RIGHT_OF_METHOD[exchange.request.method];
    if (right === undefined || mayDo(exchange.principal, right)) return true;
    this.#answer(exchange, { status: 403, reason: because('not-allowed', { right }) });
    return false;
  }

  #routed(exchange: Exchange): boolean {
    for (const { run } of this.#kernel.route.links()) {
      const said = run(exchange);
      if (said === undefined) continue;
      if (isVerdict(said)) return this.#refused(exchange, said);
      exchange.plan = said;
      exchange.trail.push(said.reason);
      return true;
    }
    return true;
  }

  #refused(exchange: Exchange, verdict: Verdict): false {
    this.#ended(exchange, verdict);
    if (verdict.kind !== 'answer') return false;
    for (const run of this.#kernel.onRefused) this.#kernel.guard('refused', () => run(exchange, verdict.answer));
    return false;
  }

  #handle(exchange: Exchange): void {
    const { request } = exchange;
    const claim = this.#kernel.claims.find(request.method, packageOf(request));
    if (!claim) {
      const fields = [['Allow', this.#kernel.sip.allow()] as const];
      return this.#answer(exchange, { status: 405, reason: because('method-not-handled'), fields });
    }
    const answer = claim.handler(exchange);
    if (answer instanceof Promise) {
      answer
        .then((later) => {
          if (later) this.#answer(exchange, later);
        })
        .catch((error: unknown) => this.#failed(exchange, error));
    } else if (answer) {
      this.#answer(exchange, answer);
    }
  }

  /** True when the verdict was the end of it. */
  #ended(exchange: Exchange, verdict: Verdict | undefined): boolean {
    if (!verdict) return false;
    if (verdict.kind === 'answer') this.#answer(exchange, verdict.answer);
    else this.#drop(exchange, verdict.reason);
    return true;
  }

  #answer(exchange: Exchange, answer: Answer): void {
    this.#kernel.sip.answer(exchange, answer);
  }

  #drop(exchange: Exchange, reason: Reason): void {
    this.#kernel.counters.of('sip_requests_dropped').value += 1;
    this.#kernel.sip.why(exchange.request.callId, reason);
    this.#kernel.stack.forget(exchange.key);
  }

  /** A handler's mistake is a 500 to one caller, and nobody else's trouble. */
  #failed(exchange: Exchange, error: unknown): void {
    this.#kernel.counters.of('kernel_handler_errors').value += 1;
    this.#kernel.log.error('handler-threw', { method: exchange.request.method, ...errorFields(error) });
    this.#kernel.guard('answer-500', () => this.#answer(exchange, { status: 500, reason: because('handler-threw') }));
  }
}

function isVerdict(said: Principal | Plan | Verdict): said is Verdict {
  return said.kind === 'answer' || said.kind === 'drop';
}

/** RFC 6665 §8.2.1 event package or RFC 6086 §7.1 INFO package, without parameters; their names are tokens, so case says nothing (RFC 3261 §7.3.1). */
function packageOf(request: SipRequest): string | undefined {
  const field = request.method === 'INFO' ? request.raw('Info-Package') : request.raw('Event');
  const name = field?.split(';', 1)[0]?.split(' ', 1)[0];
  return name === undefined ? undefined : lowerAscii(name as Octets);
}
