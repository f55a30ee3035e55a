/** Who owns a dialog: in-dialog requests find their way by Call-ID and our tag (RFC 3261 §12.2.2), without any chain. */
import type { Flow, Octets } from '@strowger/proto';
import type { SipRequest, SipResponse } from '@strowger/sip';
import type { Bound } from './bounds.ts';
import type { Answer, Exchange } from './exchange.ts';
import type { Principal } from './principal.ts';

export interface DialogOwner {
  /** Who is at the other end: proven when the dialog was made. */
  readonly principal: Principal;
  request(exchange: Exchange): Answer | undefined;
  /** An ACK to a 2xx. */
  ack(request: SipRequest): void;
  /** A 2xx whose transaction has ended: it lacks its ACK, or it is a late fork. */
  stray(response: SipResponse, flow: Flow): void;
}

export class DialogTable {
  readonly #owners = new Map<string, DialogOwner>();
  readonly #bound: Bound;

  constructor(bound: Bound) {
    this.#bound = bound;
  }

  /** False when there is no room for another dialog. */
  add(callId: Octets, localTag: Octets, owner: DialogOwner): boolean {
    const key = keyOf(callId, localTag);
    if (!this.#owners.has(key) && !this.#bound.take()) return false;
    this.#owners.set(key, owner);
    return true;
  }

  remove(callId: Octets, localTag: Octets): void {
    if (this.#owners.delete(keyOf(callId, localTag))) this.#bound.release();
  }

  find(callId: Octets, localTag: Octets): DialogOwner | undefined {
    return this.#owners.get(keyOf(callId, localTag));
  }

  get size(): number {
    return this.#owners.size;
  }
}

// A Call-ID holds no space (RFC 3261 §25.1), so the two cannot run into each other.
function keyOf(callId: Octets, localTag: Octets): string {
  return `${localTag} ${callId}`;
}
