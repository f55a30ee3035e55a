/**
 * A phone of canned texts on a UDP socket: it sends what it is told, octet for octet, and keeps what comes. It shares no
 * line with the stack, so that a mistake there cannot hide itself.
 */
import { createSocket, type Socket } from 'node:dgram';
import { answer, md5Challenge } from './digest.ts';
import { field, lines, sdp, uriOf } from './texts.ts';

const PATIENCE = 4_000;

export interface RawPhoneOptions {
  readonly server: { readonly address: string; readonly port: number };
  readonly domain: string;
  readonly user: string;
  readonly password?: string;
  /** Default: 127.0.0.1. */
  readonly address?: string;
  /** Default: any. */
  readonly port?: number;
}

/** Parts of a request that a test may choose, as octets (latin1). */
export interface RequestParts {
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly contact?: string;
  readonly branch?: string;
  /** More lines, each with its CR LF. */
  readonly more?: string;
  readonly body?: string;
}

/** An answered call of a `RawPhone`. */
export interface RawCall {
  readonly callId: string;
  readonly cseq: number;
  readonly to: string;
  readonly uri: string;
  readonly answer: string;
}

let count = 0;
const unique = (): string => {
  count += 1;
  return `${process.pid.toString(36)}${Date.now().toString(36)}${count}`;
};

export class RawPhone {
  readonly options: RawPhoneOptions;
  /** What came and was not expected yet, as octets. */
  readonly received: string[] = [];
  /** The same, with what a test has taken out. */
  readonly all: string[] = [];
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();

  private constructor(options: RawPhoneOptions, socket: Socket) {
    this.options = options;
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const text = bytes.toString('latin1');
      this.received.push(text);
      this.all.push(text);
      for (const look of [...this.#waiting]) look();
    });
    socket.on('error', () => {});
  }

  static async open(options: RawPhoneOptions): Promise<RawPhone> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(options.port ?? 0, options.address ?? '127.0.0.1', () => {
        socket.off('error', reject);
        resolve();
      });
    });
    return new RawPhone(options, socket);
  }

  /** `address:port`. */
  get at(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  send(text: string | Buffer): void {
    const { address, port } = this.options.server;
    this.#socket.send(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, port, address);
  }

  /** The first message, arrived or to arrive, that matches; it is taken out of `received`. */
  expect(what: string, match: (text: string) => boolean, ms: number = PATIENCE): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const at = this.received.findIndex(match);
        if (at < 0) return;
        this.#waiting.delete(look);
        clearTimeout(timer);
        resolve(this.received.splice(at, 1)[0] ?? '');
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${this.options.user} got no ${what} in ${ms} ms, but ${JSON.stringify(this.received)}`));
      }, ms);
      this.#waiting.add(look);
      look();
    });
  }

  /** The final response to the request with this Call-ID and CSeq. */
  final(callId: string, cseq: string, ms?: number): Promise<string> {
    const isIt = (text: string): boolean =>
      text.startsWith('SIP/2.0 ') &&
      text[8] !== '1' &&
      field(text, 'Call-ID') === callId &&
      field(text, 'CSeq') === cseq;
    return this.expect(`final response to ${cseq}`, isIt, ms);
  }

  request(method: string, parts: RequestParts = {}): string {
    const { domain, user } = this.options;
    const { uri = `sip:${domain}`, callId = unique(), cseq = 1, body = '', more = '' } = parts;
    const to = parts.to ?? `<${uri}>`;
    return (
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP ${this.at};rport;branch=${parts.branch ?? `z9hG4bK${unique()}`}\r\n` +
      `Max-Forwards: 70\r\nFrom: ${parts.from ?? `<sip:${user}@${domain}>`};tag=f${callId}\r\nTo: ${to}\r\n` +
      `Call-ID: ${callId}\r\nCSeq: ${cseq} ${method}\r\nContact: ${parts.contact ?? `<sip:${user}@${this.at}>`}\r\n` +
      `${more}Content-Length: ${body.length}\r\n\r\n${body}`
    );
  }

  /** Sends and waits for the final response; a 401 or 407 is answered once where there is a password. */
  async ask(method: string, parts: RequestParts = {}): Promise<string> {
    const { password, user } = this.options;
    const callId = parts.callId ?? unique();
    const cseq = parts.cseq ?? 1;
    const uri = parts.uri ?? `sip:${this.options.domain}`;
    const branch = `z9hG4bK${unique()}`;
    const first = { ...parts, callId, cseq, uri, branch };
    this.send(this.request(method, first));
    const said = await this.final(callId, `${cseq} ${method}`);
    if (method === 'INVITE' && said[8] !== '2')
      this.send(this.request('ACK', { ...first, to: field(said, 'To'), body: '', more: '' }));
    const status = said.slice(8, 11);
    if (password === undefined || (status !== '401' && status !== '407')) return said;
    const [asks, answers] =
      status === '401' ? ['WWW-Authenticate', 'Authorization'] : ['Proxy-Authenticate', 'Proxy-Authorization'];
    const value = answer(md5Challenge(said, asks), method, uri, { user, password });
    const more = `${answers}: ${value}\r\n${parts.more ?? ''}`;
    const again = { ...parts, callId, uri, more, cseq: cseq + 1, branch: `z9hG4bK${unique()}` };
    this.send(this.request(method, again));
    const final = await this.final(callId, `${cseq + 1} ${method}`);
    if (method === 'INVITE' && final[8] !== '2')
      this.send(this.request('ACK', { ...again, to: field(final, 'To'), body: '', more: '' }));
    return final;
  }

  async register(parts: RequestParts = {}, expires: number = 600): Promise<string> {
    const { user, domain } = this.options;
    const more = `Expires: ${expires}\r\n${parts.more ?? ''}`;
    return this.ask('REGISTER', { to: `<sip:${user}@${domain}>`, ...parts, more });
  }

  /** Calls and takes the answer: what came with it, or throws the refusal. */
  async call(callee: string, parts: RequestParts = {}): Promise<RawCall> {
    const callId = parts.callId ?? unique();
    const body = sdp('127.0.0.1', 18_990);
    const more = `Content-Type: application/sdp\r\n${parts.more ?? ''}`;
    const said = await this.ask('INVITE', {
      uri: `sip:${callee}@${this.options.domain}`,
      body,
      ...parts,
      callId,
      more,
    });
    if (said[8] !== '2') throw new Error(`the call to ${callee} failed: ${said}`);
    const call = {
      callId,
      cseq: Number.parseInt(field(said, 'CSeq'), 10),
      to: field(said, 'To'),
      uri: uriOf(field(said, 'Contact')),
    };
    this.send(this.request('ACK', { ...parts, ...call, body: '', more: '' }));
    return { ...call, answer: said };
  }

  async hangUp({ callId, cseq, to, uri }: RawCall, parts: RequestParts = {}): Promise<string> {
    return this.ask('BYE', { ...parts, callId, cseq: cseq + 1, to, uri });
  }

  /** Waits for an INVITE and answers it. Returns the INVITE. */
  async answerCall(status = '200 OK', more = ''): Promise<string> {
    const invite = await this.expect('INVITE', (text) => text.startsWith('INVITE '));
    const body = sdp('127.0.0.1', 18_992);
    this.respond(invite, '180 Ringing');
    const ok = status.startsWith('2');
    this.respond(invite, status, ok ? `Content-Type: application/sdp\r\n${more}` : more, ok ? body : '');
    return invite;
  }

  respond(request: string, status: string, more = '', body = ''): void {
    const to = field(request, 'To');
    const tag = to.includes(';tag=') || status.startsWith('100') ? '' : ';tag=raw';
    this.send(
      `SIP/2.0 ${status}\r\n${lines(request, 'Via')}${lines(request, 'Record-Route')}From: ${field(request, 'From')}\r\n` +
        `To: ${to}${tag}\r\nCall-ID: ${field(request, 'Call-ID')}\r\nCSeq: ${field(request, 'CSeq')}\r\n` +
        `Contact: <sip:${this.options.user}@${this.at}>\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  close(): void {
    this.#socket.close();
  }
}
