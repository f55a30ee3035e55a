import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets, Parsed } from '@strowger/proto';
import fc from 'fast-check';
import * as api from './index.ts';
import { SEMINAR, sdp } from './samples.ts';

const value = <T>(result: Parsed<T>): T => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};
const fault = (result: Parsed<unknown>): string => {
  assert.ok(!result.ok, 'a fault was due');
  return result.fault.expected;
};
const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];

suite('session descriptions', () => {
  test('RFC 8866 §5 a whole description is read, and written again octet for octet', () => {
    const d = value(api.parseSdp(SEMINAR));
    assert.equal(d.origin.username, 'mona');
    assert.equal(d.origin.version, '3724394405');
    assert.equal(d.connection?.address, '198.51.100.1');
    assert.deepEqual(
      d.media.map((m) => [m.kind, m.port, m.formats.join(' '), m.connection?.address]),
      [
        ['audio', 49170, '0 97', undefined],
        ['audio', 49180, '0', '2001:db8::2'],
        ['video', 51372, '99', undefined],
      ],
    );
    const [first, second] = d.media;
    assert.ok(first && second);
    assert.equal(api.attribute(first, 'ptime'), '20');
    assert.equal(api.directionOf(first, d), 'sendrecv');
    assert.equal(api.directionOf(second, d), 'recvonly');
    assert.deepEqual(value(api.parseRtpmap(api.attribute(first, 'rtpmap') as Octets)), {
      payloadType: 97,
      encoding: 'opus',
      clockRate: 48000,
      channels: 2,
    });
    assert.equal(api.formatSdp(d), SEMINAR);
  });

  test('RFC 8866 §5 LF alone, blank lines at the end, no last line end, no s= and t=: read all the same', () => {
    const lax = 'v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n\n\r\n' as Octets;
    const d = value(api.parseSdp(lax));
    assert.equal(d.name, '-');
    assert.equal(
      api.formatSdp(d),
      sdp('v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', 'm=audio 4000 RTP/AVP 0'),
    );
    assert.ok(api.parseSdp('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nt=0 0' as Octets).ok);
    const named = value(api.parseSdp(sdp('v=0', 'o=Jane Q  Doe 7 8 IN IP4 192.0.2.1', 's=-', 't=0 0')));
    assert.deepEqual([named.origin.username, named.origin.sessionId], ['Jane Q Doe', '7']);
  });

  test('RFC 8866 §5 garbage is a fault that says where', () => {
    const cases: [text: string, expected: string][] = [
      ['', 'v=0'],
      ['hello', 'a letter and ='],
      ['o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n', 'v=0'],
      ['v=1\r\n', 'v=0'],
      ['v=0\r\n', 'o='],
      ['v=0\r\n=x\r\n', 'a letter and ='],
      ['v=0\r\n\r\nm=audio 1 RTP/AVP 0\r\n', 'no blank line before the end'],
      ['v=0\r\ns=a\rb\r\n', 'no CR or NUL in a line'],
      ['v=0\r\ns=a\0b\r\n', 'no CR or NUL in a line'],
      ['v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n', 'a numeric session id and version'],
      ['v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\no=- 1 1 IN IP4 192.0.2.1\r\n', 'one o='],
      ['v=0\r\no=- 1 1 IN IP4 <b>\r\n', 'address'],
      [`${sdp(...HEAD)}m=audio 65536 RTP/AVP 0`, 'port'],
      [`${sdp(...HEAD)}m=audio -1 RTP/AVP 0`, 'port'],
      [`${sdp(...HEAD)}m=audio 1e3 RTP/AVP 0`, 'port'],
      [`${sdp(...HEAD)}m=audio 4000 RTP/AVP`, 'format'],
      [`${sdp(...HEAD)}m=audio`, 'media port protocol'],
      ['v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP5 1\r\n', 'IN IP4 or IN IP6 address'],
    ];
    for (const [text, expected] of cases) assert.equal(fault(api.parseSdp(text as Octets)), expected, text);
  });

  test('bounds: lines, media, formats and octets are capped', () => {
    const lines = Array.from({ length: api.SDP_LIMITS.lines }, () => 'a=x');
    assert.match(fault(api.parseSdp(sdp(...HEAD, ...lines))), /^at most 2048 lines/);
    const media = Array.from({ length: api.SDP_LIMITS.media + 1 }, () => 'm=audio 4000 RTP/AVP 0');
    assert.match(fault(api.parseSdp(sdp(...HEAD, ...media))), /^at most 64 media/);
    const formats = Array.from({ length: 300 }, (_, i) => `${i}`).join(' ');
    assert.match(fault(api.parseSdp(sdp(...HEAD, `m=audio 4000 RTP/AVP ${formats}`))), /^at most 256 formats/);
    assert.match(fault(api.parseSdp(sdp(...HEAD, `a=${'x'.repeat(200_000)}`))), /^at most 131072 octets/);
  });

  test('any octets: a verdict, never an exception, and what is read reads the same when written', () => {
    const line = fc.oneof(
      fc.constantFrom(...HEAD, ...SEMINAR.split('\r\n'), 'm=audio 0 RTP/AVP', 'c=IN IP4 224.2.1.1/127/3', 'a=inactive'),
      fc.string({ maxLength: 12 }).map((s) => `a=${s}`),
    );
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => String.fromCharCode(...bytes)),
      fc.array(line, { maxLength: 12 }).map((lines) => `${HEAD[0]}\n${HEAD[1]}\n${lines.join('\r\n')}`),
    );
    fc.assert(
      fc.property(text, (t) => {
        const result = api.parseSdp(t as Octets);
        api.mediaOf(t as Octets);
        api.findSdp('multipart/mixed;boundary=x' as Octets, t as Octets);
        if (!result.ok) return;
        const again = api.parseSdp(api.formatSdp(result.value));
        assert.ok(again.ok);
        assert.equal(api.formatSdp(again.value), api.formatSdp(result.value));
      }),
      { numRuns: 500 },
    );
  });
});
