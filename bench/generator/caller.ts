/** The calling phones, all on one socket: INVITE, 407 where asked, 200, ACK, BYE at once, 200. */
import { answer, type Login, md5Challenge } from '../../tests/support/digest.ts';
import { field, sdp, uriOf } from '../../tests/support/texts.ts';
import type { Job } from './job.ts';
import { type Operation, Pending } from './pending.ts';
import type { Wire } from './socket.ts';
import type { Tallier } from './tally.ts';

interface Calling extends Operation {
  readonly login: Login;
  readonly callee: string;
  readonly callId: string;
  cseq: number;
  branch: string;
  method: 'INVITE' | 'BYE';
  /** Of the 200. */
  to: string;
  target: string;
}

export class Callers {
  readonly #job: Job;
  readonly #tally: Tallier;
  readonly #wire: () => Wire;
  readonly #ended: () => void;
  readonly #pending: Pending<Calling>;
  readonly #run = process.pid.toString(36);
  #count = 0;

  constructor(job: Job, tally: Tallier, wire: () => Wire, ended: () => void) {
    this.#job = job;
    this.#tally = tally;
    this.#wire = wire;
    this.#ended = ended;
    this.#pending = new Pending(
      tally,
      (text) => wire().send(text),
      (_, { method }) => {
        tally.failed(`${method}: no answer`);
        ended();
      },
    );
  }

  get size(): number {
    return this.#pending.size;
  }

  call(login: Login, callee: string): void {
    this.#count += 1;
    const callId = `${this.#run}-${this.#count}`;
    const now = performance.now();
    const call: Calling = {
      login,
      callee,
      callId,
      cseq: 1,
      branch: '',
      method: 'INVITE',
      to: `<sip:${callee}@${this.#job.domain}>`,
      target: `sip:${callee}@${this.#job.domain}`,
      text: '',
      sentAt: now,
      startedAt: now,
      tries: 0,
    };
    call.text = this.#invite(call, '');
    this.#pending.begin(callId, call);
  }

  onResponse(text: string): void {
    const callId = field(text, 'Call-ID');
    const call = this.#pending.get(callId);
    if (!call || field(text, 'CSeq') !== `${call.cseq} ${call.method}`) return;
    const status = Number(text.slice(8, 11));
    if (status < 200) call.sentAt = performance.now();
    else if (call.method === 'BYE') this.#finish(call, status === 200 ? undefined : text);
    else if (status === 200) this.#onAnswer(call, text);
    else this.#onRefusal(call, status, text);
  }

  close(): void {
    this.#pending.close();
  }

  #onAnswer(call: Calling, text: string): void {
    this.#tally.latency(performance.now() - call.startedAt);
    call.to = field(text, 'To');
    call.target = uriOf(field(text, 'Contact'));
    this.#wire().send(this.#request(call, 'ACK', this.#branch()));
    call.cseq += 1;
    call.method = 'BYE';
    this.#pending.go(call, this.#request(call, 'BYE', this.#branch()));
  }

  #onRefusal(call: Calling, status: number, text: string): void {
    const asked = call.text.includes('\r\nProxy-Authorization: ');
    // RFC 3261 §17.1.1.3: this ACK belongs to the INVITE's transaction.
    this.#wire().send(this.#request({ ...call, to: field(text, 'To') }, 'ACK', call.branch));
    if (status !== 407 || asked) return this.#finish(call, text);
    call.cseq += 1;
    const value = answer(md5Challenge(text, 'Proxy-Authenticate'), 'INVITE', call.target, call.login);
    this.#pending.go(call, this.#invite(call, `Proxy-Authorization: ${value}\r\n`));
  }

  #finish({ callId, method }: Calling, failure: string | undefined): void {
    this.#pending.end(callId);
    if (failure === undefined) this.#tally.done();
    else this.#tally.failed(`${method}: ${failure.slice(0, failure.indexOf('\r\n'))}`);
    this.#ended();
  }

  #invite(call: Calling, credentials: string): string {
    const { address, port } = this.#wire().here;
    const body = sdp(address, this.#job.mediaPort);
    call.branch = this.#branch();
    const more = `Contact: <sip:${call.login.user}@${address}:${port}>\r\n${credentials}Content-Type: application/sdp\r\n`;
    return this.#request(call, 'INVITE', call.branch, more, body);
  }

  #request(call: Calling, method: string, branch: string, more = '', body = ''): string {
    const { domain } = this.#job;
    const { address, port } = this.#wire().here;
    return (
      `${method} ${call.target} SIP/2.0\r\n` +
      `Via: SIP/2.0/UDP ${address}:${port};rport;branch=${branch}\r\n` +
      'Max-Forwards: 70\r\n' +
      `From: "Caller ${call.login.user}" <sip:${call.login.user}@${domain}>;tag=a${call.callId}\r\n` +
      `To: ${call.to}\r\nCall-ID: ${call.callId}\r\nCSeq: ${call.cseq} ${method}\r\n` +
      `${more}User-Agent: bench\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    );
  }

  #branch(): string {
    this.#count += 1;
    return `z9hG4bKc${this.#run}${this.#count}`;
  }
}
