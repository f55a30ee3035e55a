/**
 * What is answered without a transaction: what is unsound, what is too much, and CANCEL, whose answer is the same each
 * time (RFC 3261 §8.2.7). Counted, and told for the trace.
 */
import { EMPTY, type Flow, type Octets, octets } from '@strowger/proto';
import { composeResponse, type Field, type ResponseParts } from '../message/compose.ts';
import { via } from '../message/headers/via.ts';
import type { SipRequest } from '../message/message.ts';
import type { Screening } from '../message/screen.ts';
import { ACK } from '../transaction/hop-by-hop.ts';
import type { Token } from '../transaction/token.ts';
import { responseDestination } from '../transport/reply.ts';
import type { StackCounts, StackOptions } from './events.ts';

const RETRY_AFTER: readonly Field[] = [['Retry-After', octets`5`]];

/** A response to be composed; its To tag is ours to choose. */
export interface StatelessAnswer extends Omit<ResponseParts, 'toTag'> {
  readonly status: number;
}

export class StatelessAnswers {
  readonly #bases: readonly [number, number];
  readonly #options: Pick<StackOptions, 'emit' | 'send'>;
  #overloaded = 0;
  #refused = 0;
  #discarded = 0;

  constructor({ randomHigh, randomLow }: Token, options: Pick<StackOptions, 'emit' | 'send'>) {
    this.#bases = [randomHigh, randomLow];
    this.#options = options;
  }

  counts(): Pick<StackCounts, 'overloaded' | 'refused' | 'discarded'> {
    return { overloaded: this.#overloaded, refused: this.#refused, discarded: this.#discarded };
  }

  /** A request that cannot be taken as it is: answered where it may be, an ACK never, nor what names no way back. */
  refuse(request: SipRequest, { code, status, text: reason, drop }: Screening, text: Octets, flow: Flow): void {
    if (drop || request.method === ACK || !request.has(via)) {
      this.discard(code, text, flow);
      return;
    }
    this.#refused += 1;
    this.answer(request, status, flow, { reason });
    this.#options.emit({ kind: 'discarded', code, flow, text, status });
  }

  /** A request beyond the bound on transactions. */
  overload(request: SipRequest, flow: Flow): void {
    this.#overloaded += 1;
    this.answer(request, 503, flow, { fields: RETRY_AFTER });
    this.#options.emit({ kind: 'discarded', code: 'overload', flow, text: request.text, status: 503 });
  }

  /** What is not even answered. */
  discard(code: string, text: Octets, flow: Flow): void {
    this.#discarded += 1;
    this.#options.emit({ kind: 'discarded', code, flow, text });
  }

  answer(request: SipRequest, status: number, flow: Flow, parts: ResponseParts = {}): void {
    const text = composeResponse(request, status, { toTag: this.tag(request), ...parts });
    const top = request.get(via);
    // A Via that cannot be read says nothing of the way back (RFC 4475 §3.1.2.1, §3.1.2.16): it is where this came from.
    this.#options.send({ text, to: top === undefined ? { kind: 'flow', flow } : responseDestination(top, flow) });
  }

  /** The same To tag for each retransmission, another after a restart. No dialog ever comes of it. */
  tag(request: SipRequest): Octets {
    const name = (field: string) => request.raw(field) ?? EMPTY;
    const named = octets`${name('Call-ID')} ${name('CSeq')} ${name('Via')}`;
    return (hex(fnv1a(named, this.#bases[0])) + hex(fnv1a(named, this.#bases[1]))) as Octets;
  }
}

const hex = (n: number): string => n.toString(16).padStart(8, '0');

function fnv1a(text: Octets, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
