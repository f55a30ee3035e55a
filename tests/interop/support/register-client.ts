/**
 * Registers addresses of record over UDP, many at once, and keeps no secret of what was answered. Written without our
 * own stack, so that the two do not share a misunderstanding.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { DOMAIN } from './server.ts';

const T1 = 500;
const TRIES = 6;

export interface RegisterOptions {
  readonly user: string;
  readonly password: string;
  /** Without one it only asks which there are. */
  readonly contact?: string;
  readonly expires?: number;
}

export interface Registered {
  readonly status: number;
  /** URIs of the bindings that a 200 lists. */
  readonly contacts: readonly string[];
}

interface Response {
  readonly status: number;
  readonly text: string;
}

export class RegisterClient {
  readonly #socket: Socket;
  readonly #server: number;
  readonly #waiting = new Map<string, (response: Response | undefined) => void>();
  #count = 0;

  private constructor(socket: Socket, server: number) {
    this.#socket = socket;
    this.#server = server;
    socket.on('message', (bytes) => this.#heard(bytes.toString('latin1')));
    socket.on('error', () => {}); // Nobody listens there just now; the next try finds out.
  }

  static async open(server: number): Promise<RegisterClient> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RegisterClient(socket, server);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Undefined when no final response came, or the client was given up meanwhile. */
  async register(options: RegisterOptions): Promise<Registered | undefined> {
    const callId = `${randomBytes(8).toString('hex')}@interop`;
    let response = await this.#request(options, callId, 1, '');
    if (response?.status === 401) {
      response = await this.#request(options, callId, 2, authorization(response.text, options));
    }
    if (response === undefined) return undefined;
    const contacts = [...response.text.matchAll(/^(?:contact|m)[ \t]*:(.*)$/gim)].flatMap(([, value = '']) =>
      [...value.matchAll(/<([^>]*)>/g)].map(([, uri = '']) => uri),
    );
    return { status: response.status, contacts };
  }

  /** Gives up what waits, and waits for nothing from now on. */
  close(): void {
    for (const settle of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
    this.#socket.close();
  }

  #request(options: RegisterOptions, callId: string, cseq: number, credentials: string): Promise<Response | undefined> {
    this.#count += 1;
    const key = `${callId} ${cseq}`;
    const text = [
      `REGISTER sip:${DOMAIN} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK-${this.#count}-${randomBytes(6).toString('hex')}`,
      `From: <sip:${options.user}@${DOMAIN}>;tag=${callId.slice(0, 8)}`,
      `To: <sip:${options.user}@${DOMAIN}>`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} REGISTER`,
      'Max-Forwards: 70',
      ...(options.contact === undefined ? [] : [`Contact: <${options.contact}>`]),
      ...(options.expires === undefined ? [] : [`Expires: ${options.expires}`]),
      ...(credentials === '' ? [] : [credentials]),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    return new Promise((resolve) => {
      let tries = 0;
      let timer: NodeJS.Timeout;
      const settle = (response: Response | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        resolve(response);
      };
      const send = (): void => {
        if (tries === TRIES) return settle(undefined);
        this.#socket.send(text, this.#server, '127.0.0.1');
        timer = setTimeout(send, T1 * 2 ** Math.min(tries, 3));
        tries += 1;
      };
      this.#waiting.set(key, settle);
      send();
    });
  }

  #heard(text: string): void {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0);
    if (status < 200) return;
    const callId = /^call-id:[ \t]*(\S+)/im.exec(text)?.[1];
    const cseq = /^cseq:[ \t]*(\d+)/im.exec(text)?.[1];
    this.#waiting.get(`${callId} ${cseq}`)?.({ status, text });
  }
}

/** RFC 2617 with qop=auth, for the challenge that offers MD5. */
function authorization(challenged: string, { user, password }: RegisterOptions): string {
  const challenge = [...challenged.matchAll(/^www-authenticate:[ \t]*digest (.*)$/gim)]
    .map(([, value = '']) => value)
    .find((value) => !/algorithm/i.test(value) || /algorithm="?md5"?(?:,|\s|$)/i.test(value));
  if (challenge === undefined) return '';
  const of = (name: string): string => new RegExp(`${name}="([^"]*)"`, 'i').exec(challenge)?.[1] ?? '';
  const [realm, nonce, opaque] = [of('realm'), of('nonce'), of('opaque')];
  const uri = `sip:${DOMAIN}`;
  const cnonce = randomBytes(8).toString('hex');
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const ha1 = md5(`${user}:${realm}:${password}`);
  const response = md5(`${ha1}:${nonce}:00000001:${cnonce}:auth:${md5(`REGISTER:${uri}`)}`);
  const quoted = { username: user, realm, nonce, uri, response, cnonce, ...(opaque === '' ? {} : { opaque }) };
  const params = Object.entries(quoted).map(([name, value]) => `${name}="${value}"`);
  return `Authorization: Digest ${[...params, 'algorithm=MD5', 'qop=auth', 'nc=00000001'].join(', ')}`;
}
