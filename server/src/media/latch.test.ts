import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, type SocketAddress } from '@strowger/proto';
import { ACCEPTED, DROP_REASONS, Latch, PROBATION, type Verdict } from './latch.ts';
import { RtcpLatch } from './rtcp-latch.ts';

const TIMING = { learnFor: 10_000, rebindAfter: 3000 };
const PHONE = '198.51.100.7';
const PRIVATE = '10.0.0.7';
const STRANGER = '203.0.113.66';

type Row = readonly [at: number, from: string, ssrc: number, verdict: 'in' | (typeof DROP_REASONS)[number]];

const spoken = (verdict: Verdict) => (verdict === ACCEPTED ? 'in' : DROP_REASONS[verdict - 1]);
const shown = (to: SocketAddress | undefined) => (to ? `${to.address}:${to.port}` : 'nowhere');

function split(text: string): [string, number] {
  const at = text.lastIndexOf(':');
  return [text.slice(0, at), Number(text.slice(at + 1))];
}

function latch(signalled: string, source: string, muted = false): Latch {
  const made = new Latch(TIMING);
  const [address, port] = split(signalled);
  made.signal({ address, port }, source, muted);
  made.expect(asMono(0));
  return made;
}

/** Feeds the rows, sequence numbers counting up, and asserts every verdict and where we send at the end. */
function expectRows(made: Latch, rows: readonly Row[], sendTo: string): void {
  const got = rows.map(([at, from, ssrc], seq) => {
    const [address, port] = split(from);
    return [at, from, ssrc, spoken(made.accept(address, port, ssrc, seq, asMono(at)))];
  });
  assert.deepEqual(got, rows);
  assert.equal(shown(made.sendTo), sendTo);
}

suite('symmetric RTP without bleed: direct, the SDP names the IP that SIP came from', () => {
  const direct = () => latch(`${PHONE}:4000`, PHONE);

  test('bleed: a third host before, during and after the first packets gets nothing', () => {
    expectRows(
      direct(),
      [
        [0, `${STRANGER}:4000`, 1, 'foreign'],
        [20, `${STRANGER}:9999`, 1, 'foreign'],
        [40, `${PHONE}:4000`, 7, 'in'],
        [60, `${STRANGER}:4000`, 7, 'foreign'],
        [9000, `${STRANGER}:4000`, 7, 'foreign'],
      ],
      `${PHONE}:4000`,
    );
  });

  test('the signalled address is sent to before anything has come', () => {
    assert.equal(shown(direct().sendTo), `${PHONE}:4000`);
  });

  test('another port of that IP is let in until the signalled one speaks, which displaces it; sending never moves', () => {
    expectRows(
      direct(),
      [
        [0, `${PHONE}:5555`, 1, 'in'],
        [10, `${PHONE}:5556`, 2, 'other-port'],
        [20, `${PHONE}:5555`, 1, 'in'],
        [30, `${PHONE}:4000`, 7, 'in'],
        [40, `${PHONE}:5555`, 1, 'other-port'],
        [50, `${STRANGER}:4000`, 7, 'foreign'],
      ],
      `${PHONE}:4000`,
    );
  });

  test('a port of that IP that only sends keeps its pin through silence, without moving our sending', () => {
    expectRows(
      direct(),
      [
        [0, `${PHONE}:5555`, 1, 'in'],
        [4000, `${PHONE}:5600`, 1, 'in'],
        [4010, `${PHONE}:5555`, 1, 'other-port'],
      ],
      `${PHONE}:4000`,
    );
  });

  test('the mapping behind a public address rebinds: same IP, same SSRC, after silence', () => {
    expectRows(
      direct(),
      [
        [0, `${PHONE}:4000`, 7, 'in'],
        [2000, `${PHONE}:4100`, 7, 'other-port'],
        [3001, `${PHONE}:4100`, 8, 'other-port'],
        [3002, `${STRANGER}:4100`, 7, 'foreign'],
        [3003, `${PHONE}:4100`, 7, 'in'],
      ],
      `${PHONE}:4100`,
    );
  });

  test('after a rebinding the signalled address may come back, and sending with it', () => {
    expectRows(
      direct(),
      [
        [0, `${PHONE}:4000`, 7, 'in'],
        [4000, `${PHONE}:4100`, 7, 'in'],
        [4100, `${PHONE}:4000`, 7, 'in'],
        [4120, `${PHONE}:4100`, 7, 'other-port'],
      ],
      `${PHONE}:4000`,
    );
  });

  test('another SSRC from the pinned address (music on hold) is let in, and is what a rebinding must show', () => {
    expectRows(
      direct(),
      [
        [0, `${PHONE}:4000`, 7, 'in'],
        [20, `${PHONE}:4000`, 9, 'in'],
        [4000, `${PHONE}:4100`, 7, 'other-port'],
        [4001, `${PHONE}:4100`, 9, 'in'],
      ],
      `${PHONE}:4100`,
    );
  });
});

suite('symmetric RTP without bleed: the SDP names another IP than SIP came from', () => {
  const behindNat = () => latch(`${PRIVATE}:4000`, PHONE);

  test('the first RTP from the IP of SIP is learned and sent to; nobody else ever', () => {
    expectRows(
      behindNat(),
      [
        [0, `${STRANGER}:4000`, 1, 'foreign'],
        [10, `${PHONE}:61000`, 7, 'in'],
        [20, `${PHONE}:61001`, 8, 'other-port'],
        [30, `${STRANGER}:61000`, 7, 'foreign'],
        [40, `${PRIVATE}:4000`, 7, 'other-port'],
      ],
      `${PHONE}:61000`,
    );
  });

  test('the signalled address is sent to until then', () => {
    const made = behindNat();
    assert.equal(shown(made.sendTo), `${PRIVATE}:4000`);
    expectRows(made, [[0, `${STRANGER}:1`, 1, 'foreign']], `${PRIVATE}:4000`);
  });

  test('the signalled address is pinned if it speaks first: a gateway beside its SIP proxy', () => {
    expectRows(
      behindNat(),
      [
        [0, `${PRIVATE}:4000`, 7, 'in'],
        [10, `${PHONE}:61000`, 8, 'other-port'],
        [20, `${PRIVATE}:4002`, 7, 'other-port'],
      ],
      `${PRIVATE}:4000`,
    );
  });

  test('NAT rebinding: after 3 s of silence another port of the same IP with the same SSRC', () => {
    expectRows(
      behindNat(),
      [
        [0, `${PHONE}:61000`, 7, 'in'],
        [3000, `${PHONE}:62000`, 7, 'other-port'],
        [3001, `${PHONE}:62000`, 6, 'other-port'],
        [3002, `${PHONE}:62000`, 7, 'in'],
        [3003, `${PHONE}:61000`, 7, 'other-port'],
        [9000, `${STRANGER}:62000`, 7, 'foreign'],
      ],
      `${PHONE}:62000`,
    );
  });

  test('RFC 3550 §A.1 after the window it takes packets in sequence from one source', () => {
    const late = 10_001;
    assert.equal(PROBATION, 4);
    expectRows(
      behindNat(),
      [
        [late, `${PHONE}:61000`, 7, 'probation'],
        [late, `${PHONE}:61002`, 7, 'probation'],
        [late, `${PHONE}:61000`, 7, 'probation'],
        [late, `${PHONE}:61000`, 7, 'probation'],
        [late, `${PHONE}:61000`, 7, 'probation'],
        [late, `${PHONE}:61000`, 7, 'in'],
      ],
      `${PHONE}:61000`,
    );
  });

  test('an offer or answer on either leg opens the window again', () => {
    const made = behindNat();
    made.expect(asMono(60_000));
    expectRows(made, [[60_500, `${PHONE}:61000`, 7, 'in']], `${PHONE}:61000`);
  });

  test('the same description again keeps the pin; another one forgets it and learns anew', () => {
    const made = behindNat();
    expectRows(made, [[0, `${PHONE}:61000`, 7, 'in']], `${PHONE}:61000`);
    assert.equal(made.signal({ address: PRIVATE, port: 4000 }, PHONE, false), false);
    assert.equal(shown(made.sendTo), `${PHONE}:61000`);
    assert.equal(made.signal({ address: PRIVATE, port: 4444 }, PHONE, false), true);
    expectRows(made, [[100, `${PHONE}:61500`, 7, 'in']], `${PHONE}:61500`);
  });

  test('a phone that moved (SIP from another IP) is learned there, and the old place is foreign', () => {
    const made = behindNat();
    expectRows(made, [[0, `${PHONE}:61000`, 7, 'in']], `${PHONE}:61000`);
    made.signal({ address: PRIVATE, port: 4000 }, '192.0.2.9', false);
    expectRows(
      made,
      [
        [10, `${PHONE}:61000`, 7, 'foreign'],
        [20, '192.0.2.9:50000', 7, 'in'],
      ],
      '192.0.2.9:50000',
    );
  });

  test('RFC 2543 hold by 0.0.0.0: music is let in, nothing is sent, not even to what is learned', () => {
    const made = latch('0.0.0.0:4000', PHONE, true);
    expectRows(made, [[0, `${PHONE}:4000`, 7, 'in']], 'nowhere');
  });

  test('nothing is let in before a description came, or after the stream was rejected', () => {
    const made = new Latch(TIMING);
    assert.equal(spoken(made.accept(PHONE, 4000, 7, 0, asMono(0))), 'unconnected');
    made.signal({ address: PHONE, port: 4000 }, PHONE, false);
    assert.equal(spoken(made.accept(PHONE, 4000, 7, 1, asMono(0))), 'in');
    made.clear();
    assert.equal(spoken(made.accept(PHONE, 4000, 7, 2, asMono(0))), 'unconnected');
    assert.equal(made.sendTo, undefined);
  });
});

suite('RTCP follows its RTP', () => {
  function pair(signalled: string, source: string) {
    const rtp = latch(signalled, source);
    const rtcp = new RtcpLatch(rtp, TIMING);
    const [address, port] = split(signalled);
    rtcp.signal({ address, port: port + 1 }, false);
    const hears = (from: string, ssrc: number, at: number) => {
      const [host, p] = split(from);
      return spoken(rtcp.accept(host, p, ssrc, asMono(at)));
    };
    return { rtp, rtcp, hears };
  }

  test('before RTP only the signalled RTCP address is let in; sending goes there', () => {
    const { rtcp, hears } = pair(`${PHONE}:4000`, PHONE);
    assert.equal(hears(`${PHONE}:4003`, 7, 0), 'foreign');
    assert.equal(hears(`${STRANGER}:4001`, 7, 0), 'foreign');
    assert.equal(hears(`${PHONE}:4001`, 7, 0), 'in');
    assert.equal(shown(rtcp.sendTo), `${PHONE}:4001`);
  });

  test('RTP learned through a NAT: RTCP is sent nowhere until it has come from there, then back to it', () => {
    const { rtp, rtcp, hears } = pair(`${PRIVATE}:4000`, PHONE);
    assert.equal(spoken(rtp.accept(PHONE, 61_000, 7, 0, asMono(0))), 'in');
    assert.equal(rtcp.sendTo, undefined);
    assert.equal(hears(`${STRANGER}:61001`, 7, 10), 'foreign');
    assert.equal(hears(`${PRIVATE}:4001`, 7, 10), 'foreign');
    assert.equal(hears(`${PHONE}:61777`, 7, 20), 'in');
    assert.equal(shown(rtcp.sendTo), `${PHONE}:61777`);
    assert.equal(hears(`${PHONE}:61778`, 7, 30), 'other-port');
    assert.equal(hears(`${PHONE}:61778`, 8, 5000), 'other-port');
    assert.equal(hears(`${PHONE}:61778`, 7, 5000), 'in');
    assert.equal(shown(rtcp.sendTo), `${PHONE}:61778`);
  });

  test('when RTP is learned anew at another IP, what was learned of RTCP goes with the old', () => {
    const { rtp, rtcp, hears } = pair(`${PRIVATE}:4000`, PHONE);
    rtp.accept(PHONE, 61_000, 7, 0, asMono(0));
    hears(`${PHONE}:61777`, 7, 20);
    rtp.signal({ address: PRIVATE, port: 4000 }, '192.0.2.9', false);
    rtp.accept('192.0.2.9', 50_000, 7, 1, asMono(100));
    assert.equal(rtcp.sendTo, undefined);
    assert.equal(hears(`${PHONE}:61777`, 7, 120), 'foreign');
    assert.equal(hears('192.0.2.9:50001', 7, 130), 'in');
    assert.equal(shown(rtcp.sendTo), '192.0.2.9:50001');
  });
});
