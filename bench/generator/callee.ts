/** The called phones, all on one socket: they ring, answer at once, and take what comes after. */

import { field, lines, sdp } from '../../tests/support/texts.ts';
import { type Operation, Pending } from './pending.ts';
import type { Wire } from './socket.ts';
import type { Tallier } from './tally.ts';

export class Callees {
  readonly #wire: () => Wire;
  readonly #mediaPort: number;
  /** Answered and not yet acknowledged: the 200 is ours to send again (RFC 3261 §13.3.1.4). */
  readonly #pending: Pending<Operation>;

  constructor(tally: Tallier, wire: () => Wire, mediaPort: number) {
    this.#wire = wire;
    this.#mediaPort = mediaPort;
    this.#pending = new Pending(
      tally,
      (text) => wire().send(text),
      () => tally.failed('the server sent no ACK'),
    );
  }

  onRequest(text: string): void {
    const callId = field(text, 'Call-ID');
    switch (text.slice(0, text.indexOf(' '))) {
      case 'INVITE':
        return this.#onInvite(text, callId);
      case 'ACK':
        return this.#pending.end(callId);
      default:
        this.#wire().send(`${this.#head(text, '200 OK')}Content-Length: 0\r\n\r\n`);
    }
  }

  close(): void {
    this.#pending.close();
  }

  #onInvite(text: string, callId: string): void {
    const known = this.#pending.get(callId);
    if (known) return this.#wire().send(known.text);
    const { address, port } = this.#wire().here;
    const contact = `Contact: <sip:callee@${address}:${port}>\r\n`;
    this.#wire().send(`${this.#head(text, '180 Ringing')}${contact}Content-Length: 0\r\n\r\n`);
    const body = sdp(address, this.#mediaPort);
    const ok = `${this.#head(text, '200 OK')}${contact}Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const now = performance.now();
    this.#pending.begin(callId, { text: ok, sentAt: now, startedAt: now, tries: 0 });
  }

  #head(text: string, status: string): string {
    const to = field(text, 'To');
    const tag = to.includes(';tag=') ? '' : `;tag=callee`;
    return (
      `SIP/2.0 ${status}\r\n${lines(text, 'Via')}${lines(text, 'Record-Route')}` +
      `From: ${field(text, 'From')}\r\nTo: ${to}${tag}\r\nCall-ID: ${field(text, 'Call-ID')}\r\nCSeq: ${field(text, 'CSeq')}\r\n`
    );
  }
}
