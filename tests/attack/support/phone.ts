/** A phone that knows its password: registers, calls and answers over a peer, and will do anything else it is told. */
import type { Octets } from '@strowger/proto';
import { answerChallenge } from '@strowger/sip/auth';
import { audioPort, type Parts, type Received, request, response, sdp, tagOf, unique, uriOf } from './message.ts';
import type { Peer } from './peer.ts';

export interface Account {
  readonly user: string;
  readonly password: string;
}

export const ALICE: Account = { user: '1001', password: 'alice-secret-attack-1' };
export const BOB: Account = { user: '1002', password: 'bob-secret-attack-2' };
/** Has credentials of its own, and ill intentions. */
export const MALLORY: Account = { user: '1003', password: 'mallory-secret-attack-3' };
export const DOMAIN = 'example.test';

/** The field that answers the challenge in this 401 or 407. */
export function credentials(
  challenge: Received,
  account: Account,
  o: { readonly method: string; readonly uri: string; readonly nc?: number; readonly realm?: string },
): string {
  const proxy = challenge.status === 407;
  const values = challenge.headers(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate') as readonly Octets[];
  const answer = answerChallenge({
    challenges:
      o.realm === undefined ? values : values.map((v) => v.replace(/realm="[^"]*"/, `realm="${o.realm}"`) as Octets),
    method: o.method as Octets,
    uri: o.uri as Octets,
    user: account.user as Octets,
    password: account.password as Octets,
    proxy,
    cnonce: unique('n') as Octets,
    ...(o.nc === undefined ? {} : { nc: o.nc }),
  });
  if (answer.kind !== 'answer') throw new Error(`no answer to ${challenge.text}: ${answer.code}`);
  return `${answer.name}: ${answer.value}`;
}

/** Half of a call that is up. */
export interface Talk {
  readonly callId: string;
  /** From and To as this side writes them in its own requests. */
  readonly local: string;
  readonly remote: string;
  /** The server's Contact. */
  readonly target: string;
  /** The server's audio port towards this side. */
  readonly media: number;
  /** Of this side's last request. */
  readonly cseq: number;
  /** The top branch of the INVITE, and the INVITE or 200 itself. */
  readonly branch: string;
}

export class Phone {
  readonly peer: Peer;
  readonly account: Account;

  constructor(peer: Peer, account: Account) {
    this.peer = peer;
    this.account = account;
  }

  get contact(): string {
    const { peer, account } = this;
    return `<sip:${account.user}@${peer.sentBy}${peer.transport === 'TCP' ? ';transport=tcp' : ''}>`;
  }

  get aor(): string {
    return `sip:${this.account.user}@${DOMAIN}`;
  }

  parts(o: Omit<Parts, 'sentBy' | 'from'> & { readonly from?: string }): Parts {
    return { from: `<${this.aor}>;tag=${unique('f')}`, sentBy: this.peer.sentBy, transport: this.peer.transport, ...o };
  }

  /** Sends it, proves who it is when asked, and resolves with the last answer. INVITEs are acknowledged where refused. */
  async ask(o: Parts, ms?: number): Promise<Received> {
    const parts = { ...o, callId: o.callId ?? unique('c'), cseq: o.cseq ?? 1 };
    const answer = await this.tell(parts, ms);
    if (answer.status !== 401 && answer.status !== 407) return answer;
    const proof = credentials(answer, this.account, parts);
    const again = {
      ...parts,
      branch: unique('z9hG4bK'),
      cseq: parts.cseq + 1,
      fields: [...(parts.fields ?? []), proof],
    };
    return this.tell(again, ms);
  }

  async tell(o: Parts & { readonly callId: string; readonly cseq: number }, ms?: number): Promise<Received> {
    const parts = { ...o, branch: o.branch ?? unique('z9hG4bK') };
    this.peer.send(request(parts));
    const answer = await this.peer.final(parts.callId, `${parts.cseq} ${parts.method}`, ms);
    if (parts.method === 'INVITE' && answer.status >= 300) {
      this.peer.send(request({ ...parts, method: 'ACK', to: answer.header('To') ?? '', body: '', fields: [] }));
    }
    return answer;
  }

  register(o: { readonly contact?: string; readonly expires?: number; readonly to?: string } = {}): Promise<Received> {
    const { contact = this.contact, expires = 600, to = `<${this.aor}>` } = o;
    const fields = [`Contact: ${contact}`, `Expires: ${expires}`];
    return this.ask(this.parts({ method: 'REGISTER', uri: `sip:${DOMAIN}`, to, fields }));
  }

  /** Takes every call and offer from now on, with audio at this port. */
  answers(port: number, taken: (talk: Talk, invite: Received) => void = () => {}): void {
    this.peer.onMessage = (message) => {
      if (message.status > 0 || message.method === 'ACK') return message.method === 'ACK';
      if (message.method === 'INVITE' && tagOf(message.header('To')) === '') {
        const tag = unique('t');
        const body = sdp(this.peer.address, port);
        const answer = response(message, 200, { tag, fields: [`Contact: ${this.contact}`], body });
        this.peer.send(response(message, 180, { tag, fields: [`Contact: ${this.contact}`] }));
        this.peer.send(answer);
        taken(
          {
            callId: message.header('Call-ID') ?? '',
            local: `${message.header('To')};tag=${tag}`,
            remote: message.header('From') ?? '',
            target: uriOf(message.header('Contact')),
            media: audioPort(message.body),
            cseq: 0,
            branch: /branch=([^;\s]+)/.exec(message.header('Via') ?? '')?.[1] ?? '',
          },
          message,
        );
        return true;
      }
      if (message.method === 'INVITE') {
        const body = sdp(this.peer.address, port);
        this.peer.send(response(message, 200, { fields: [`Contact: ${this.contact}`], body }));
        return true;
      }
      if (message.method === 'BYE' || message.method === 'CANCEL' || message.method === 'OPTIONS') {
        this.peer.send(response(message, 200));
        return true;
      }
      return false;
    };
  }

  /** Calls an extension and acknowledges its answer. */
  async call(extension: string, port: number, ms?: number): Promise<Talk> {
    const uri = `sip:${extension}@${DOMAIN}`;
    const callId = unique('c');
    const from = `<${this.aor}>;tag=${unique('f')}`;
    const fields = [`Contact: ${this.contact}`];
    const body = sdp(this.peer.address, port);
    const parts = this.parts({ method: 'INVITE', uri, from, to: `<${uri}>`, callId, fields, body });
    const answer = await this.ask(parts, ms);
    if (answer.status !== 200) throw new Error(`the call was answered ${answer.text}`);
    const talk: Talk = {
      callId,
      local: from,
      remote: answer.header('To') ?? '',
      target: uriOf(answer.header('Contact')),
      media: audioPort(answer.body),
      cseq: Number(answer.header('CSeq')?.split(' ')[0]),
      branch: /branch=([^;\s]+)/.exec(answer.header('Via') ?? '')?.[1] ?? '',
    };
    this.peer.send(this.within(talk, 'ACK', { cseq: talk.cseq }));
    return talk;
  }

  /** A request of a call. */
  within(talk: Talk, method: string, o: Partial<Parts> = {}): string {
    const { callId, local: from, remote: to, target: uri, cseq } = talk;
    return request({ ...this.parts({ method, uri, from, to, callId, cseq: cseq + 1 }), ...o });
  }

  async hangUp(talk: Talk, cseq: number = talk.cseq + 1): Promise<Received> {
    this.peer.send(this.within(talk, 'BYE', { cseq }));
    return this.peer.final(talk.callId, `${cseq} BYE`);
  }
}
