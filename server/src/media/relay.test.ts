import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, type SocketAddress } from '@strowger/proto';
import { ACCEPTED, DEFAULT_LATCH_TIMING } from './latch.ts';
import { Relay, RelayStream } from './relay.ts';
import { rtcpPacket, rtpPacket, testRandom } from './test-udp.ts';

const SIP_IP = '198.51.100.7';
const PRIVATE = '10.0.0.7';
const OTHER_PHONE = '192.0.2.33';
const STRANGERS = ['203.0.113.66', '198.51.100.8', '10.0.0.8', '0.0.0.0', ''];

function pair() {
  const a = new RelayStream(1, 2, DEFAULT_LATCH_TIMING);
  const b = new RelayStream(3, 4, DEFAULT_LATCH_TIMING);
  a.peer = b;
  b.peer = a;
  b.rtp.signal({ address: OTHER_PHONE, port: 6000 }, OTHER_PHONE, false);
  b.rtcp.signal({ address: OTHER_PHONE, port: 6001 }, false);
  return { a, b };
}

suite('relay', () => {
  test('any order of packets, offers and time: strangers are never forwarded and never sent to', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const bytes = testRandom(seed).fill(new Uint8Array(4096));
      let at = 0;
      const random = (n: number) => (bytes[at++ % bytes.length] ?? 0) % n;
      const relay = new Relay();
      const { a, b } = pair();
      let now = 0;
      for (let i = 0; i < 400; i += 1) {
        now += [0, 20, 20, 20, 4000, 12_000][random(6)] ?? 0;
        if (random(20) === 0) {
          const remote: SocketAddress = { address: [SIP_IP, PRIVATE][random(2)] ?? '', port: 4000 + 2 * random(3) };
          if (a.rtp.signal(remote, SIP_IP, random(8) === 0)) a.rtcp.signal({ ...remote, port: remote.port + 1 }, false);
          a.rtp.expect(asMono(now));
        }
        if (random(60) === 0) a.rtp.clear();
        const strange = random(2) === 0;
        const from = strange ? STRANGERS[random(STRANGERS.length)] : [SIP_IP, PRIVATE][random(2)];
        const packet = random(3) === 0 ? rtcpPacket(random(3)) : rtpPacket(i, random(3));
        const cut = random(6) === 0 ? packet.subarray(0, random(13)) : packet;
        const verdict = relay.receive(a, random(3) === 0, cut, from ?? '', 4000 + random(6), asMono(now));
        const where = `seed ${seed} packet ${i}`;
        if (strange) assert.notEqual(verdict, ACCEPTED, where);
        if (verdict === ACCEPTED) assert.equal(relay.to?.address, OTHER_PHONE, where);
        if (relay.receive(b, false, rtpPacket(i, 9), OTHER_PHONE, 6000, asMono(now)) === ACCEPTED) {
          assert.ok([SIP_IP, PRIVATE].includes(relay.to?.address ?? ''), where);
        }
        if (relay.receive(b, true, rtcpPacket(9), OTHER_PHONE, 6001, asMono(now)) === ACCEPTED) {
          assert.ok([SIP_IP, PRIVATE].includes(relay.to?.address ?? ''), where);
        }
      }
    }
  });

  test('RFC 6263 §4 a keep-alive that is no RTP is dropped as malformed, and teaches nothing', () => {
    const { a } = pair();
    const relay = new Relay();
    a.rtp.signal({ address: PRIVATE, port: 4000 }, SIP_IP, false);
    a.rtp.expect(asMono(0));
    for (const bytes of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(20)]) {
      relay.receive(a, false, bytes, SIP_IP, 61_000, asMono(1));
    }
    relay.receive(a, false, rtcpPacket(7), SIP_IP, 61_000, asMono(1));
    relay.receive(a, true, rtpPacket(1, 7), SIP_IP, 61_000, asMono(1));
    assert.deepEqual(a.dropped(), { malformed: 4, 'other-port': 1 });
    assert.deepEqual(a.rtp.sendTo, { address: PRIVATE, port: 4000 });
  });

  test('a destination is replaced, never changed: what waits in a send queue keeps its own', () => {
    const { a, b } = pair();
    const relay = new Relay();
    a.rtp.signal({ address: PRIVATE, port: 4000 }, SIP_IP, false);
    a.rtp.expect(asMono(0));
    relay.receive(b, false, rtpPacket(1, 9), OTHER_PHONE, 6000, asMono(0));
    const queued = relay.to;
    relay.receive(a, false, rtpPacket(1, 7), SIP_IP, 61_000, asMono(1));
    relay.receive(b, false, rtpPacket(2, 9), OTHER_PHONE, 6000, asMono(2));
    assert.deepEqual(queued, { address: PRIVATE, port: 4000 });
    assert.deepEqual(relay.to, { address: SIP_IP, port: 61_000 });
  });
});
