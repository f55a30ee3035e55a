/** RTP bleed, injection and amplification, through whole calls: SIP, both processes, hosts of their own. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { rtcpPacket, rtpPacket } from '../../server/src/media/test-udp.ts';
import { response, sdp, unique, uriOf } from './support/message.ts';
import { UdpPeer } from './support/peer.ts';
import { ALICE, BOB, DOMAIN, MALLORY, Phone, type Talk } from './support/phone.ts';
import { type Site, startSite } from './support/site.ts';

const EVE_SAYS = 666;

/** Two sockets of a host, for RTP and RTCP, and what came to them. */
class Ear {
  readonly rtp: Socket;
  readonly rtcp: Socket;
  readonly heard: { readonly from: string; readonly ssrc: number; readonly rtcp: boolean }[] = [];
  #seq = 0;

  private constructor(rtp: Socket, rtcp: Socket) {
    this.rtp = rtp;
    this.rtcp = rtcp;
    for (const socket of [rtp, rtcp]) {
      socket.on('message', (bytes, { address, port }) => {
        const isRtcp = socket === rtcp;
        const ssrc = bytes.readUInt32BE(isRtcp ? 4 : 8);
        this.heard.push({ from: `${address}:${port}`, ssrc, rtcp: isRtcp });
      });
    }
  }

  static async at(address: string): Promise<Ear> {
    for (;;) {
      const rtp = createSocket('udp4');
      rtp.bind(0, address);
      await once(rtp, 'listening');
      const rtcp = createSocket('udp4');
      try {
        rtcp.bind(rtp.address().port + 1, address);
        await once(rtcp, 'listening');
        return new Ear(rtp, rtcp);
      } catch {
        // The next port was somebody's.
        rtp.close();
      }
    }
  }

  get port(): number {
    return this.rtp.address().port;
  }

  /** A packet of RTP, and every fifth time one of RTCP. */
  say(ssrc: number, port: number): void {
    this.#seq += 1;
    this.rtp.send(rtpPacket(this.#seq, ssrc), port, '127.0.0.1');
    if (this.#seq % 5 === 0) this.rtcp.send(rtcpPacket(ssrc), port + 1, '127.0.0.1');
  }

  ssrcs(): readonly number[] {
    return [...new Set(this.heard.map(({ ssrc }) => ssrc))];
  }

  close(): void {
    this.rtp.close();
    this.rtcp.close();
  }
}

suite('attack: media', { timeout: 60_000 }, () => {
  let site: Site;
  let alice: Phone;
  let bob: Phone;
  let mallory: Phone;
  let ears: Record<'alice' | 'bob' | 'eve' | 'neighbour' | 'victim', Ear>;
  let ofBob: Talk[] = [];

  before(async () => {
    site = await startSite({ mediaPorts: 40 });
    alice = new Phone(await UdpPeer.at('127.0.0.2', site.port), ALICE);
    bob = new Phone(await UdpPeer.at('127.0.0.3', site.port), BOB);
    mallory = new Phone(await UdpPeer.at('127.0.0.5', site.port), MALLORY);
    ears = {
      alice: await Ear.at('127.0.0.2'),
      bob: await Ear.at('127.0.0.3'),
      eve: await Ear.at('127.0.0.4'),
      neighbour: await Ear.at('127.0.0.2'),
      victim: await Ear.at('127.0.0.7'),
    };
    assert.equal((await bob.register()).status, 200);
  });

  after(async () => {
    for (const { peer } of [alice, bob, mallory]) peer.close();
    for (const ear of Object.values(ears)) ear.close();
    await site.stop();
  });

  /** Every port, RTP and RTCP, on both: what is one's port is the other's. */
  const spray = (...from: readonly Ear[]): void => {
    for (let port = site.media.first; port <= site.media.last; port += 1) {
      for (const { rtp, rtcp } of from) {
        rtp.send(rtpPacket(1, EVE_SAYS), port, '127.0.0.1');
        rtcp.send(rtcpPacket(EVE_SAYS), port, '127.0.0.1');
      }
    }
  };

  const deaf = (...of: readonly Ear[]): void => {
    for (const ear of of) assert.deepEqual(ear.heard, []);
  };

  test('RTP bleed, CVE-2017-14099, CVE-2025-53399: who sprays all ports before, while it rings and during a call hears nothing and is not heard', async () => {
    const { eve, neighbour } = ears;
    spray(eve);
    const uri = `sip:${BOB.user}@${DOMAIN}`;
    const callId = unique('c');
    const fields = [`Contact: ${alice.contact}`];
    const body = sdp('127.0.0.2', ears.alice.port);
    const parts = alice.parts({ method: 'INVITE', uri, to: `<${uri}>`, callId, fields, body });
    const asked = alice.ask(parts, 8_000);
    const ringing = await bob.peer.request('INVITE');
    const toBob = Number(/m=audio (\d+)/.exec(ringing.body)?.[1]);
    bob.peer.send(response(ringing, 180, { tag: 'b', fields: [`Contact: ${bob.contact}`] }));
    for (let i = 0; i < 3; i += 1) {
      spray(eve);
      await sleep(20);
    }
    const taken = { tag: 'b', fields: [`Contact: ${bob.contact}`], body: sdp('127.0.0.3', ears.bob.port) };
    bob.peer.send(response(ringing, 200, taken));
    const answer = await asked;
    const toAlice = Number(/m=audio (\d+)/.exec(answer.body)?.[1]);
    const talk: Talk = {
      callId,
      local: parts.from,
      remote: answer.header('To') ?? '',
      target: uriOf(answer.header('Contact')),
      media: toAlice,
      cseq: 2,
      branch: '',
    };
    alice.peer.send(alice.within(talk, 'ACK', { cseq: 2 }));
    // A stranger's packets come first, in the window in which phones behind NAT are learned.
    spray(eve);
    await sleep(30);
    ears.alice.say(1, toAlice);
    ears.bob.say(2, toBob);
    await sleep(30);
    for (let i = 0; i < 50; i += 1) {
      ears.alice.say(1, toAlice);
      ears.bob.say(2, toBob);
      if (i % 10 === 5) spray(eve, neighbour);
      await sleep(10);
    }
    await sleep(100);
    deaf(eve, neighbour);
    assert.deepEqual([ears.alice.ssrcs(), ears.bob.ssrcs()], [[2], [1]]);
    assert.ok(ears.alice.heard.filter((h) => !h.rtcp).length >= 50, 'the phones hear each other');
    assert.ok(ears.bob.heard.filter((h) => h.rtcp).length >= 9, 'and each other’s reports');
    const ended = alice.hangUp(talk);
    bob.peer.send(response(await bob.peer.request('BYE'), 200));
    assert.equal((await ended).status, 200);
    spray(eve);
    await sleep(50);
    deaf(eve);
  });

  test('a description that names a third host: it gets no more than the other phone sends, and nothing once the call is over', async () => {
    ofBob = [];
    bob.answers(ears.bob.port, (talk) => ofBob.push(talk));
    const { victim } = ears;
    const uri = `sip:${BOB.user}@${DOMAIN}`;
    const callId = unique('c');
    const fields = [`Contact: ${mallory.contact}`];
    const body = sdp('127.0.0.7', victim.port);
    const parts = mallory.parts({ method: 'INVITE', uri, to: `<${uri}>`, callId, fields, body });
    const answer = await mallory.ask(parts);
    assert.equal(answer.status, 200);
    const toMallory = Number(/m=audio (\d+)/.exec(answer.body)?.[1]);
    const target = uriOf(answer.header('Contact'));
    const talk: Talk = {
      callId,
      local: parts.from,
      remote: answer.header('To') ?? '',
      target,
      media: 0,
      cseq: 2,
      branch: '',
    };
    mallory.peer.send(mallory.within(talk, 'ACK', { cseq: 2 }));
    const [theirs] = ofBob;
    assert.ok(theirs);
    let sent = 0;
    const own = await Ear.at('127.0.0.5');
    for (let i = 0; i < 20; i += 1) {
      ears.bob.say(2, theirs.media);
      sent += i % 5 === 4 ? 2 : 1;
      own.say(3, toMallory);
      await sleep(10);
    }
    await sleep(50);
    assert.ok(victim.heard.length <= sent + 1, `${victim.heard.length} of ${sent}`);
    assert.equal((await mallory.hangUp(talk)).status, 200);
    const before = victim.heard.length;
    for (let i = 0; i < 10; i += 1) ears.bob.say(2, theirs.media);
    await sleep(50);
    assert.equal(victim.heard.length, before);
    own.close();
  });

  test('descriptions that name ports of the server: nothing goes round, whichever of them', async () => {
    ofBob = [];
    const ports = Array.from({ length: 8 }, (_, i) => site.media.first + i * 5);
    for (const port of [...ports, site.port]) {
      const fields = [`Contact: ${mallory.contact}`];
      const uri = `sip:${BOB.user}@${DOMAIN}`;
      const callId = unique('c');
      const parts = mallory.parts({
        method: 'INVITE',
        uri,
        to: `<${uri}>`,
        callId,
        fields,
        body: sdp('127.0.0.1', port),
      });
      const answer = await mallory.ask(parts);
      assert.equal(answer.status, 200);
      const target = uriOf(answer.header('Contact'));
      const talk: Talk = {
        callId,
        local: parts.from,
        remote: answer.header('To') ?? '',
        target,
        media: 0,
        cseq: 2,
        branch: '',
      };
      mallory.peer.send(mallory.within(talk, 'ACK', { cseq: 2 }));
      ears.bob.heard.length = 0;
      const theirs = ofBob.at(-1)?.media ?? 0;
      for (let i = 0; i < 5; i += 1) ears.bob.say(2, theirs);
      await sleep(20);
      // Its own re-offer names the very port of the other leg.
      const again = { cseq: 3, branch: unique('z9hG4bK'), fields, body: sdp('127.0.0.1', theirs) };
      mallory.peer.send(mallory.within(talk, 'INVITE', again));
      const refused = await mallory.peer.final(callId, '3 INVITE');
      mallory.peer.send(
        mallory.within(talk, 'ACK', { cseq: 3, ...(refused.status === 200 ? {} : { branch: again.branch }) }),
      );
      for (let i = 0; i < 5; i += 1) ears.bob.say(2, theirs);
      await sleep(20);
      assert.equal(
        ears.bob.heard.some(({ ssrc }) => ssrc === 2),
        false,
        'it came round',
      );
      assert.equal((await mallory.hangUp(talk, 4)).status, 200);
    }
  });

  test('media ports run out: 503 with Retry-After, nobody in a call notices, and there are ports again after it', async () => {
    bob.answers(ears.bob.port);
    const talks: Talk[] = [];
    let refused = 0;
    // 40 ports make 20 pairs, of which a call takes two.
    for (let i = 0; i < 14; i += 1) {
      try {
        talks.push(await mallory.call(BOB.user, 9));
      } catch (error) {
        assert.match(String(error), /SIP\/2\.0 503 [\s\S]*\r\nRetry-After: \d/);
        refused += 1;
      }
    }
    assert.ok(talks.length >= 5 && talks.length <= 10 && refused >= 4, `${talks.length} up, ${refused} refused`);
    for (const talk of talks) assert.equal((await mallory.hangUp(talk)).status, 200);
    // Ports rest for two seconds after use.
    await sleep(2_500);
    await site.stands();
    const { calls, dialogs } = await site.health();
    assert.deepEqual([calls, dialogs], [0, 0]);
  });
});
