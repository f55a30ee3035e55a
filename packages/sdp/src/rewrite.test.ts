import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets, Parsed } from '@strowger/proto';
import fc from 'fast-check';
import { describeMedia, isHeld, mediaOf, type Origin, type RewriteOptions, rewriteMedia } from './index.ts';
import { OFFER, SEMINAR, sdp } from './samples.ts';

const value = <T>(result: Parsed<T>): T => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};
const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 't=0 0'];
const SESSION_C = 'c=IN IP4 192.0.2.1';
const relay = (port: number, address = '203.0.113.5', rtcpPort = port + 1) => ({ address, port, rtcpPort });
const rewritten = (text: Octets, ...streams: RewriteOptions['streams']) => value(rewriteMedia(text, { streams }));

suite('mediaOf', () => {
  test('RFC 8866 §5.7 and RFC 3605: the effective address, port and RTCP port of each stream', () => {
    const streams = value(mediaOf(SEMINAR));
    assert.deepEqual(
      streams.map((s) => [s.kind, s.address, s.family, s.port, s.rtcpPort, s.rtcpAddress, s.direction]),
      [
        ['audio', '198.51.100.1', 4, 49170, 49171, undefined, 'sendrecv'],
        ['audio', '2001:db8::2', 6, 49180, 49181, undefined, 'recvonly'],
        ['video', '198.51.100.1', 4, 51372, 51400, '198.51.100.9', 'sendrecv'],
      ],
    );
    assert.equal(
      describeMedia(streams),
      'audio 198.51.100.1:49170 (rtcp 49171) sendrecv RTP/AVP 0 97 · ' +
        'audio [2001:db8::2]:49180 (rtcp 49181) recvonly RTP/AVP 0 · ' +
        'video 198.51.100.1:51372 (rtcp 51400) sendrecv RTP/AVP 99',
    );
  });

  test('RFC 3264 §8.4 held: sendonly, inactive, or 0.0.0.0 as in RFC 2543; refused streams do not count', () => {
    const held = (...lines: string[]) => isHeld(value(mediaOf(sdp(...HEAD, ...lines))));
    const audio = 'm=audio 4000 RTP/AVP 0';
    assert.equal(held(SESSION_C, audio), false);
    assert.equal(held(SESSION_C, audio, 'a=recvonly'), false);
    assert.equal(held(SESSION_C, audio, 'a=sendonly'), true);
    assert.equal(held(SESSION_C, 'a=inactive', audio), true);
    assert.equal(held(SESSION_C, 'a=sendonly', audio, 'a=sendrecv'), false);
    assert.equal(held('c=IN IP4 0.0.0.0', audio), true);
    assert.equal(held(SESSION_C, audio, 'c=IN IP6 ::'), true);
    assert.equal(held(SESSION_C, audio, 'a=sendonly', 'm=video 0 RTP/AVP 31'), true);
    assert.equal(held(SESSION_C, 'm=audio 0 RTP/AVP 0'), false);
  });
});

suite('rewriteMedia', () => {
  test('a session-level c= serves all streams; only it and the ports change', () => {
    const out = rewritten(OFFER, relay(30000), relay(30002), relay(30004));
    const expected = OFFER.replace('c=IN IP4 192.0.2.10', 'c=IN IP4 203.0.113.5')
      .replace('49170', '30000')
      .replace('51372', '30002')
      .replace('53000', '30004');
    assert.equal(out, expected);
  });

  test('streams relayed at different addresses get a c= each, behind i= and before the rest', () => {
    const text = sdp(
      ...HEAD,
      SESSION_C,
      'm=audio 4000 RTP/AVP 0',
      'm=video 5000 RTP/AVP 31',
      'i=slides',
      'b=AS:99',
      'a=x',
    );
    assert.equal(
      rewritten(text, relay(30000), relay(30002, '2001:db8::5')),
      sdp(
        ...HEAD,
        'c=IN IP4 203.0.113.5',
        'm=audio 30000 RTP/AVP 0',
        'm=video 30002 RTP/AVP 31',
        'i=slides',
        'c=IN IP6 2001:db8::5',
        'b=AS:99',
        'a=x',
      ),
    );
  });

  test('c= in each stream, of one family rewritten to the other; a useless session c= follows', () => {
    const own = ['m=audio 4000 RTP/AVP 0', 'c=IN IP4 192.0.2.7', 'a=mid:0'];
    assert.equal(
      rewritten(sdp(...HEAD, SESSION_C, ...own), relay(30000, '2001:db8::5')),
      sdp(...HEAD, 'c=IN IP6 2001:db8::5', 'm=audio 30000 RTP/AVP 0', 'c=IN IP6 2001:db8::5', 'a=mid:0'),
    );
    assert.equal(
      rewritten(sdp(...HEAD, ...own), relay(30000)),
      sdp(...HEAD, 'm=audio 30000 RTP/AVP 0', 'c=IN IP4 203.0.113.5', 'a=mid:0'),
    );
  });

  test('RFC 3605 a=rtcp is rewritten in its place, added where the port is not the next, and goes with the stream', () => {
    const text = sdp(...HEAD, SESSION_C, 'm=audio 4000 RTP/AVP 0', 'a=rtcp:4100 IN IP4 192.0.2.9', 'a=rtcp-fb:* nack');
    const body = (out: Octets) => out.split('\r\n').slice(5, -1);
    assert.deepEqual(body(rewritten(text, relay(30000))), [
      'm=audio 30000 RTP/AVP 0',
      'a=rtcp:30001',
      'a=rtcp-fb:* nack',
    ]);
    const plain = sdp(...HEAD, SESSION_C, 'm=audio 4000 RTP/AVP 0', 'a=x');
    const far = relay(30000, '203.0.113.5', 30009);
    assert.deepEqual(body(rewritten(plain, far)), ['m=audio 30000 RTP/AVP 0', 'a=x', 'a=rtcp:30009']);
    assert.deepEqual(body(rewritten(text, null)), ['m=audio 0 RTP/AVP 0', 'a=rtcp-fb:* nack']);
  });

  test('port 0 stays 0, a stream without a target is refused, and neither tells an address', () => {
    const text = sdp(
      ...HEAD,
      'm=audio 4000 RTP/AVP 0',
      'c=IN IP4 10.0.0.1',
      'm=video 0 RTP/AVP 31',
      'c=IN IP4 10.0.0.1',
      'm=video 6000/2 RTP/AVP 31',
      'c=IN IP4 10.0.0.1',
    );
    assert.equal(
      rewritten(text, relay(30000), relay(30002)),
      sdp(
        ...HEAD,
        'm=audio 30000 RTP/AVP 0',
        'c=IN IP4 203.0.113.5',
        'm=video 0 RTP/AVP 31',
        'c=IN IP4 203.0.113.5',
        'm=video 0 RTP/AVP 31',
        'c=IN IP4 203.0.113.5',
      ),
    );
  });

  test('RFC 8839 ICE lines go, RFC 5761 rtcp-mux goes or stays by option, all else stays', () => {
    const text = sdp(
      ...HEAD,
      SESSION_C,
      'a=ice-lite',
      'a=ice-options:trickle',
      'a=group:BUNDLE 0',
      'm=audio 4000 UDP/TLS/RTP/SAVPF 111',
      'a=ice-ufrag:abcd',
      'a=ice-pwd:secretsecretsecretsecret',
      'a=fingerprint:sha-256 00:11',
      'a=candidate:1 1 udp 1 192.0.2.1 4000 typ host',
      'a=remote-candidates:1 192.0.2.2 5000',
      'a=end-of-candidates',
      'a=altc:1 IP4 192.0.2.1 4000',
      'a=source-filter: incl IN IP4 * 192.0.2.1',
      'a=candidates-are-not-this',
      'a=rtcp-mux',
      'a=rtcp-mux-only',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x',
    );
    const expected = (...mux: string[]) =>
      sdp(
        ...HEAD,
        'c=IN IP4 203.0.113.5',
        'a=group:BUNDLE 0',
        'm=audio 30000 UDP/TLS/RTP/SAVPF 111',
        'a=fingerprint:sha-256 00:11',
        'a=candidates-are-not-this',
        ...mux,
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x',
      );
    const streams = [relay(30000)];
    assert.equal(value(rewriteMedia(text, { streams })), expected());
    assert.equal(value(rewriteMedia(text, { streams, rtcpMux: 'keep' })), expected('a=rtcp-mux', 'a=rtcp-mux-only'));
  });

  test('RFC 3264 §8.4 a hold by 0.0.0.0 stays one on the other side, whatever its family', () => {
    const text = sdp(...HEAD, 'c=IN IP4 0.0.0.0', 'm=audio 4000 RTP/AVP 0');
    assert.equal(rewritten(text, relay(30000)), sdp(...HEAD, 'c=IN IP4 0.0.0.0', 'm=audio 30000 RTP/AVP 0'));
    assert.equal(rewritten(text, relay(30000, '2001:db8::5')), sdp(...HEAD, 'c=IN IP6 ::', 'm=audio 30000 RTP/AVP 0'));
  });

  test('the origin can be the leg’s own; a media type that is a letter of m= does not confuse', () => {
    const origin: Origin = {
      username: '-' as Octets,
      sessionId: '7' as Octets,
      version: '9' as Octets,
      family: 6,
      address: '2001:db8::5' as Octets,
    };
    const out = value(rewriteMedia(sdp(...HEAD, SESSION_C, 'm=m 4 4 4'), { streams: [relay(30000)], origin }));
    assert.equal(
      out,
      sdp('v=0', 'o=- 7 9 IN IP6 2001:db8::5', 's=-', 't=0 0', 'c=IN IP4 203.0.113.5', 'm=m 30000 4 4'),
    );
  });

  test('RFC 4566 §5.7 a live stream with no address anywhere is a fault', () => {
    assert.equal(rewriteMedia(sdp(...HEAD, 'm=audio 4000 RTP/AVP 0'), { streams: [relay(30000)] }).ok, false);
  });

  const attribute = fc
    .tuple(
      fc.constantFrom('a=', 'b=', 'k=', 'x=', 'Z=', 'a=rtpmap:', 'a=sendonly', 'a=rtcpx:', 'a=ices'),
      fc.uint8Array(),
    )
    .map(([head, tail]) => head + String.fromCharCode(...tail.filter((c) => ![0, 10, 13].includes(c))))
    .filter(
      (line) =>
        !/^a=(ice-|ice2|candidate|remote-candidates|end-of-candidates|altc|source-filter|rtcp(-mux|-mux-only)?(:|$))/.test(
          line,
        ),
    );
  const stream = fc.record({
    port: fc.constantFrom(0, 4000, 65535),
    connection: fc.constantFrom(undefined, 'c=IN IP4 10.0.0.9', 'c=IN IP6 fd00::9', 'c=IN IP4 0.0.0.0'),
    lines: fc.array(attribute, { maxLength: 5 }),
    target: fc.constantFrom(null, relay(30000), relay(30002, '2001:db8::5'), relay(30004, '203.0.113.5', 30900)),
  });

  test('any description: unknown lines stay byte for byte and in order, every effective address is right, twice is once', () => {
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 5 }), fc.array(stream, { maxLength: 5 }), (session, streams) => {
        const media = streams.flatMap(({ port, connection, lines }) => [
          `m=audio ${port} RTP/AVP 0`,
          ...(connection === undefined ? [] : [connection]),
          ...lines,
        ]);
        const text = sdp(...HEAD, SESSION_C, ...session, ...media);
        const options = { streams: streams.map(({ target }) => target) };
        const out = value(rewriteMedia(text, options));
        const rest = (t: string) => t.split('\r\n').filter((line) => !/^(c=|m=|a=rtcp:)/.test(line));
        assert.deepEqual(rest(out), rest(text));
        for (const [i, view] of value(mediaOf(out)).entries()) {
          const { port, connection, target } = streams[i] as (typeof streams)[number];
          if (port === 0 || !target) {
            assert.equal(view.port, 0);
          } else {
            const silent = target.address.includes(':') ? '::' : '0.0.0.0';
            assert.equal(view.address, connection?.endsWith(' 0.0.0.0') ? silent : target.address);
            assert.deepEqual([view.port, view.rtcpPort], [target.port, target.rtcpPort]);
          }
        }
        assert.equal(value(rewriteMedia(out, options)), out);
      }),
      { numRuns: 300 },
    );
  });

  test('any octets: never an exception', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) }), (junk) => {
        rewriteMedia(junk as Octets, { streams: [] });
        rewriteMedia(`v=0\r\n${junk}` as Octets, { streams: [relay(30000)] });
      }),
    );
  });

  test('the longest description allowed is rewritten whole', () => {
    const lines = Array.from({ length: 2040 }, (_, i) => `a=x${i}`);
    const text = (port: number, address: string) =>
      sdp(...HEAD, `c=IN IP4 ${address}`, `m=audio ${port} RTP/AVP 0`, ...lines);
    assert.equal(rewritten(text(4000, '192.0.2.1'), relay(30000)), text(30000, '203.0.113.5'));
  });
});
