/** REGISTER with digest, as a phone that keeps no nonce does it: unasked, 401, with credentials, 200. */
import { answer, type Login, md5Challenge } from '../../tests/support/digest.ts';
import { field } from '../../tests/support/texts.ts';
import type { Job } from './job.ts';
import { type Operation, Pending } from './pending.ts';
import type { Wire } from './socket.ts';
import type { Tallier } from './tally.ts';

interface Registering extends Operation {
  readonly login: Login;
  readonly callId: string;
  cseq: number;
  readonly ended: () => void;
}

export class Registrations {
  readonly #job: Job;
  readonly #tally: Tallier;
  readonly #wire: () => Wire;
  readonly #pending: Pending<Registering>;
  readonly #cseq = new Map<string, number>();
  #branch = 0;

  constructor(job: Job, tally: Tallier, wire: () => Wire) {
    this.#job = job;
    this.#tally = tally;
    this.#wire = wire;
    this.#pending = new Pending(
      tally,
      (text) => wire().send(text),
      (_, { login, ended }) => {
        tally.failed(`REGISTER of ${login.user}: no answer`);
        ended();
      },
    );
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Calls back when it has ended, well or not. */
  register(login: Login, ended: () => void): void {
    const callId = `reg-${login.user}`;
    const cseq = (this.#cseq.get(callId) ?? 0) + 1;
    this.#cseq.set(callId, cseq);
    const now = performance.now();
    const operation = { login, callId, cseq, ended, text: '', sentAt: now, startedAt: now, tries: 0 };
    operation.text = this.#text(operation, '');
    this.#pending.begin(callId, operation);
  }

  onText(text: string): void {
    const callId = field(text, 'Call-ID');
    const operation = this.#pending.get(callId);
    if (!operation || field(text, 'CSeq') !== `${operation.cseq} REGISTER`) return;
    const status = text.slice(8, 11);
    const credentials = operation.text.includes('\r\nAuthorization: ');
    if (status === '401' && !credentials) {
      operation.cseq += 1;
      this.#cseq.set(callId, operation.cseq);
      const value = answer(
        md5Challenge(text, 'WWW-Authenticate'),
        'REGISTER',
        `sip:${this.#job.domain}`,
        operation.login,
      );
      this.#pending.go(operation, this.#text(operation, `Authorization: ${value}\r\n`));
      return;
    }
    if (status < '200') return;
    this.#pending.end(callId);
    if (status === '200') {
      this.#tally.done();
      this.#tally.latency(performance.now() - operation.startedAt);
    } else this.#tally.failed(text.slice(0, text.indexOf('\r\n')));
    operation.ended();
  }

  close(): void {
    this.#pending.close();
  }

  #text({ login: { user }, callId, cseq }: Registering, credentials: string): string {
    const { domain } = this.#job;
    const { address, port } = this.#wire().here;
    this.#branch += 1;
    return (
      `REGISTER sip:${domain} SIP/2.0\r\n` +
      `Via: SIP/2.0/UDP ${address}:${port};rport;branch=z9hG4bKr${this.#branch}\r\n` +
      'Max-Forwards: 70\r\n' +
      `From: <sip:${user}@${domain}>;tag=t${user}\r\n` +
      `To: <sip:${user}@${domain}>\r\n` +
      `Call-ID: ${callId}\r\n` +
      `CSeq: ${cseq} REGISTER\r\n` +
      `Contact: <sip:${user}@${address}:${port}>\r\n` +
      `${credentials}Expires: 600\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n`
    );
  }
}
