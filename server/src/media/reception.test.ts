import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono } from '@strowger/proto';
import { classify, NEITHER, RTCP, RTP } from './packet.ts';
import { Reception } from './reception.ts';
import { rtcpPacket, rtpPacket } from './test-udp.ts';

function receive(seqs: readonly number[], ssrc = 7): Reception {
  const reception = new Reception();
  for (const [i, seq] of seqs.entries()) reception.add(rtpPacket(seq, ssrc), ssrc, asMono(i * 20));
  return reception;
}

suite('reception', () => {
  test('unknown is absent: nothing came', () => {
    const { ssrc, lost, jitterMs, firstAt, lastAt } = new Reception();
    assert.deepEqual([ssrc, lost, jitterMs, firstAt, lastAt], [undefined, undefined, undefined, undefined, undefined]);
  });

  test('RFC 3550 §A.3 loss from gaps, through the wrap of the sequence number', () => {
    assert.equal(receive([65_533, 65_534, 1, 2]).lost, 2);
    assert.equal(receive([10, 12, 11, 13]).lost, 0);
    assert.equal(receive([10, 10, 11]).lost, 0);
  });

  test('RFC 3550 §A.1 a jump is a new start, and a new SSRC counts on', () => {
    assert.equal(receive([10, 12, 40_000, 40_002]).lost, 2);
    const reception = receive([10, 12]);
    reception.add(rtpPacket(500, 8), 8, asMono(100));
    reception.add(rtpPacket(502, 8), 8, asMono(120));
    assert.equal(reception.lost, 2);
    assert.equal(reception.ssrc, 8);
  });

  test('RFC 3550 §A.8 jitter of a steady stream is 0, of one that is 16 ms late once 1 ms', () => {
    const reception = receive([1, 2, 3, 4]);
    assert.equal(reception.jitterMs, 0);
    reception.add(rtpPacket(5, 7), 7, asMono(80 + 16));
    assert.equal(reception.jitterMs, 1);
  });

  test('RFC 3550 §A.8 the timestamp wraps without a jump', () => {
    const reception = new Reception();
    reception.add(rtpPacket(1, 7, 0, 0xffffffff - 159), 7, asMono(0));
    reception.add(rtpPacket(2, 7, 0, 0), 7, asMono(20));
    assert.equal(reception.jitterMs, 0);
  });

  test('a dynamic payload type has a jitter only if the description told its clock rate', () => {
    const unknown = new Reception();
    const told = new Reception();
    told.describe({ '96': 48_000 });
    for (const seq of [1, 2, 3]) {
      unknown.add(rtpPacket(seq, 7, 96, seq * 960), 7, asMono(seq * 20));
      told.add(rtpPacket(seq, 7, 96, seq * 960), 7, asMono(seq * 20));
    }
    assert.equal(unknown.jitterMs, undefined);
    assert.equal(told.jitterMs, 0);
  });
});

suite('what is RTP', () => {
  test('RFC 5761 §4 payload types 192–223 are RTCP', () => {
    assert.equal(classify(rtpPacket(1, 7)), RTP);
    assert.equal(classify(rtpPacket(1, 7, 0x80 | 0)), RTP);
    assert.equal(classify(rtcpPacket(7)), RTCP);
    for (const [type, kind] of [
      [191, RTP],
      [192, RTCP],
      [223, RTCP],
      [224, RTP],
    ] as const) {
      assert.equal(classify(rtpPacket(1, 7, type)), kind, String(type));
    }
  });

  test('RFC 3550 §A.1 version, length, CSRC list and extension must fit', () => {
    const packet = (first: number, length: number, extension = 0) => {
      const bytes = new Uint8Array(length);
      bytes[0] = first;
      if (length > 15) bytes[15] = extension;
      return bytes;
    };
    assert.equal(classify(new Uint8Array(0)), NEITHER);
    assert.equal(classify(packet(0x40, 172)), NEITHER);
    assert.equal(classify(packet(0x80, 11)), NEITHER);
    assert.equal(classify(packet(0x80, 12)), RTP);
    assert.equal(classify(packet(0x8f, 71)), NEITHER);
    assert.equal(classify(packet(0x8f, 72)), RTP);
    assert.equal(classify(packet(0x90, 15)), NEITHER);
    assert.equal(classify(packet(0x90, 20, 2)), NEITHER);
    assert.equal(classify(packet(0x90, 24, 2)), RTP);
  });
});
