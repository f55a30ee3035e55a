/** Hostile session descriptions in whole calls: what is absurd is refused, and what is not leads nobody past the relay. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Received, response, sdp, unique, uriOf } from './support/message.ts';
import { TcpPeer, UdpPeer } from './support/peer.ts';
import { ALICE, BOB, DOMAIN, Phone, type Talk } from './support/phone.ts';
import { type Site, startSite } from './support/site.ts';

/** Where a call is not to lead. Of nobody: TEST-NET-3. */
const ELSEWHERE = '203.0.113.66';
const AUDIO = 'm=audio 9 RTP/AVP 0';
const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('');
const session = (c = 'c=IN IP4 127.0.0.2'): string =>
  lines('v=0', 'o=- 1 1 IN IP4 127.0.0.2', 's=-', ...(c ? [c] : []), 't=0 0');
const part = (type: string, body: string, boundary = 'b'): string =>
  `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
const HONEST = sdp('127.0.0.2', 9);
const TRAP = sdp(ELSEWHERE, 6666);

interface Case {
  readonly what: string;
  readonly body: string;
  readonly type?: string;
  /** What the caller is answered. */
  readonly status: number;
}

const CASES: readonly Case[] = [
  { what: 'no streams', body: session(), status: 488 },
  { what: '17 streams', body: session() + lines(AUDIO).repeat(17), status: 488 },
  { what: '16 streams', body: session() + lines(AUDIO).repeat(16), status: 200 },
  { what: '10,000 streams', body: session() + lines(AUDIO).repeat(10_000), status: 488 },
  { what: '10,000 lines', body: session() + lines(AUDIO) + lines('a=x').repeat(10_000), status: 488 },
  { what: '25,000 formats', body: session() + lines(`m=audio 9 RTP/AVP${' 0'.repeat(25_000)}`), status: 488 },
  { what: 'a line of 50,000 octets', body: session() + lines(AUDIO, `a=${'x'.repeat(50_000)}`), status: 200 },
  {
    what: 'a body of 900 KB',
    body: session() + lines(AUDIO) + lines(`a=${'y'.repeat(1000)}`).repeat(900),
    status: 488,
  },
  { what: 'no c=', body: session('') + lines(AUDIO), status: 488 },
  { what: 'port 0', body: session() + lines('m=audio 0 RTP/AVP 0'), status: 200 },
  { what: 'port 70000', body: session() + lines('m=audio 70000 RTP/AVP 0'), status: 488 },
  { what: 'port -1', body: session() + lines('m=audio -1 RTP/AVP 0'), status: 488 },
  { what: 'a thousand ports', body: session() + lines('m=audio 9/1000 RTP/AVP 0'), status: 200 },
  { what: 'multicast', body: session('c=IN IP4 224.2.1.1/127') + lines(AUDIO), status: 200 },
  { what: 'broadcast', body: session('c=IN IP4 255.255.255.255') + lines(AUDIO), status: 200 },
  { what: '0.0.0.0', body: session('c=IN IP4 0.0.0.0') + lines(AUDIO), status: 200 },
  { what: 'IPv6 on an IPv4 leg', body: session('c=IN IP6 ::1') + lines(AUDIO), status: 200 },
  { what: 'IPv4 within IPv6', body: session('c=IN IP6 ::ffff:127.0.0.4') + lines(AUDIO), status: 200 },
  { what: 'a name', body: session('c=IN IP4 evil.example.test') + lines(AUDIO), status: 200 },
  { what: 'an address in octal', body: session('c=IN IP4 0177.0.0.1') + lines(AUDIO), status: 200 },
  { what: 'a lone CR', body: session() + lines(AUDIO, `a=x\rc=IN IP4 ${ELSEWHERE}`), status: 488 },
  { what: 'NUL', body: session() + lines(AUDIO, 'a=x\0y'), status: 488 },
  { what: 'lone LFs', body: (session() + lines(AUDIO)).replaceAll('\r\n', '\n'), status: 200 },
  { what: 'U+010D U+010A', body: session() + lines(AUDIO, 'a=\xc4\x8d\xc4\x8a'), status: 200 },
  {
    what: 'two c= of a stream',
    body: session() + lines(AUDIO, 'c=IN IP4 127.0.0.2', `c=IN IP4 ${ELSEWHERE}`),
    status: 200,
  },
  {
    what: 'two c= of the session',
    body: session(`c=IN IP4 127.0.0.2\r\nc=IN IP4 ${ELSEWHERE}`) + lines(AUDIO),
    status: 200,
  },
  { what: 'a space before c=', body: session() + lines(AUDIO, ` c=IN IP4 ${ELSEWHERE}`), status: 488 },
  { what: 'a space behind c', body: session() + lines(AUDIO, `c =IN IP4 ${ELSEWHERE}`), status: 488 },
  {
    what: 'candidates and their like',
    body:
      session() +
      lines(
        AUDIO,
        `a=candidate:1 1 udp 1 ${ELSEWHERE} 9 typ host`,
        `a=rtcp:9 IN IP4 ${ELSEWHERE}`,
        `a=altc:1 IP4 ${ELSEWHERE} 9`,
        `a=source-filter: incl IN IP4 * ${ELSEWHERE}`,
      ),
    status: 200,
  },
  { what: 'parts 200 deep', body: deep(200), type: 'multipart/mixed;boundary=b0', status: 488 },
  {
    what: '1,500 parts',
    body: `${part('text/plain', 'x').repeat(1500)}${part('application/sdp', HONEST)}--b--\r\n`,
    type: 'multipart/mixed;boundary=b',
    status: 488,
  },
  {
    what: 'one part of two',
    body: `${part('text/plain', 'x')}${part('application/sdp', HONEST)}--b--\r\n`,
    type: 'multipart/mixed;boundary=b',
    status: 200,
  },
  {
    what: 'two descriptions',
    body: `${part('application/sdp', HONEST)}${part('application/sdp', TRAP)}--b--\r\n`,
    type: 'multipart/mixed;boundary=b',
    status: 488,
  },
  {
    what: 'a description within a part beside one',
    body: `${part('application/sdp', HONEST)}${part('multipart/alternative;boundary=c', `${part('application/sdp', TRAP, 'c')}--c--`)}--b--\r\n`,
    type: 'multipart/mixed;boundary=b',
    status: 488,
  },
  { what: 'an empty boundary', body: HONEST, type: 'multipart/mixed;boundary=', status: 400 },
  { what: 'another type', body: HONEST, type: 'text/plain', status: 415 },
];

function deep(levels: number): string {
  const heads = Array.from(
    { length: levels },
    (_, i) => `--b${i}\r\nContent-Type: multipart/mixed;boundary=b${i + 1}\r\n\r\n`,
  );
  return `${heads.join('')}--b${levels}\r\nContent-Type: application/sdp\r\n\r\n${HONEST}`;
}

suite('attack: descriptions', { timeout: 60_000 }, () => {
  let site: Site;
  let alice: Phone;
  let bob: Phone;
  /** INVITEs that reached the callee, the last one first. */
  let rung: readonly Received[] = [];

  before(async () => {
    // 16 streams take 64 ports, and what was used rests.
    site = await startSite({ mediaPorts: 200 });
    alice = new Phone(await TcpPeer.at('127.0.0.2', site.port), ALICE);
    bob = new Phone(await UdpPeer.at('127.0.0.3', site.port), BOB);
    assert.equal((await bob.register()).status, 200);
    bob.answers(9, (_, invite) => {
      rung = [invite, ...rung];
    });
  });

  after(async () => {
    for (const { peer } of [alice, bob]) peer.close();
    await site.stop();
  });

  const offer = async (body: string, type?: string): Promise<{ answer: Received; talk: Talk }> => {
    const uri = `sip:${BOB.user}@${DOMAIN}`;
    const callId = unique('c');
    const contentType = type === undefined ? {} : { contentType: type };
    const fields = [`Contact: ${alice.contact}`];
    const parts = alice.parts({ method: 'INVITE', uri, to: `<${uri}>`, callId, fields, body, ...contentType });
    const answer = await alice.ask(parts);
    const target = uriOf(answer.header('Contact'));
    const cseq = Number(answer.header('CSeq')?.split(' ')[0]);
    return {
      answer,
      talk: { callId, local: parts.from, remote: answer.header('To') ?? '', target, media: 0, cseq, branch: '' },
    };
  };

  for (const { what, body, type, status } of CASES) {
    test(`an offer with ${what}: ${status}`, async () => {
      rung = [];
      const { answer, talk } = await offer(body, type);
      assert.equal(answer.status, status, answer.text);
      if (status === 200) {
        const [invite] = rung;
        assert.ok(invite);
        const told = invite.body;
        assert.equal(told.includes(ELSEWHERE), false, told);
        assert.equal(told.includes('\0') || /\r(?!\n)/.test(told), false, told);
        alice.peer.send(alice.within(talk, 'ACK', { cseq: talk.cseq }));
        assert.equal((await alice.hangUp(talk)).status, 200);
      } else assert.deepEqual(rung, [], 'the callee was rung');
    });
  }

  test('a re-INVITE with each of them: answered, and the call goes on', async () => {
    const { talk } = await offer(HONEST);
    alice.peer.send(alice.within(talk, 'ACK', { cseq: talk.cseq }));
    const answers = bob.peer.onMessage;
    const crossed: string[] = [];
    bob.peer.onMessage = (message) => {
      if (message.status > 0 || message.method !== 'INVITE') return answers(message);
      crossed.push(message.body);
      bob.peer.send(response(message, 488));
      return true;
    };
    let { cseq } = talk;
    for (const { what, body, type } of CASES) {
      cseq += 1;
      const contentType = type === undefined ? {} : { contentType: type };
      const parts = { cseq, branch: unique('z9hG4bK'), fields: [`Contact: ${alice.contact}`], body, ...contentType };
      alice.peer.send(alice.within(talk, 'INVITE', parts));
      const answer = await alice.peer.final(talk.callId, `${cseq} INVITE`);
      assert.ok(answer.status >= 300, `${what}: ${answer.status}`);
      alice.peer.send(alice.within(talk, 'ACK', { cseq, branch: parts.branch }));
    }
    assert.ok(crossed.length > 10 && !crossed.some((body) => body.includes(ELSEWHERE)));
    assert.equal((await alice.hangUp(talk, cseq + 1)).status, 200);
    await site.healthy('the call is gone', ({ calls, dialogs }) => calls === 0 && dialogs === 0);
  });

  test('the server stands, its ports are given back, and honest people are served', async () => {
    await site.stands();
    assert.equal((await site.health()).calls, 0);
  });
});
