import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets, Parsed } from '@strowger/proto';
import {
  answerDirection,
  type Capabilities,
  DIRECTIONS,
  formatSdp,
  holdDirection,
  holdOffer,
  makeAnswer,
  makeOffer,
  type OfferAnswer,
  type OriginStamp,
  offerAnswer,
  parseSdp,
  resumeOffer,
  reverse,
  stampOrigin,
} from './index.ts';
import { OFFER, sdp } from './samples.ts';

const o = (text: string) => text as Octets;
const value = <T>(result: Parsed<T>): T => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};
const origin = { username: o('bob'), sessionId: o('5'), version: o('1'), family: 4, address: o('192.0.2.20') } as const;
const pcmu = { payloadType: 0, encoding: o('PCMU'), clockRate: 8000 };
const pcma = { payloadType: 8, encoding: o('PCMA'), clockRate: 8000 };
const events = { payloadType: 96, encoding: o('telephone-event'), clockRate: 8000, parameters: o('0-15') };
const BOB: Capabilities = {
  origin,
  media: [
    { kind: o('audio'), address: o('192.0.2.20'), port: 49920, formats: [pcma, pcmu, events] },
    {
      kind: o('video'),
      address: o('192.0.2.20'),
      port: 53000,
      formats: [{ payloadType: 32, encoding: o('MPV'), clockRate: 90_000 }],
    },
  ],
};

suite('directions', () => {
  test('RFC 3264 §6.1 what may be answered, and §8.4 what a hold makes of a stream', () => {
    assert.deepEqual(
      DIRECTIONS.map((d) => answerDirection(d, 'sendrecv')),
      ['sendrecv', 'recvonly', 'sendonly', 'inactive'],
    );
    assert.deepEqual(
      DIRECTIONS.map((d) => answerDirection(d, 'recvonly')),
      ['recvonly', 'recvonly', 'inactive', 'inactive'],
    );
    assert.deepEqual(DIRECTIONS.map(holdDirection), ['sendonly', 'sendonly', 'inactive', 'inactive']);
    for (const d of DIRECTIONS) assert.equal(reverse(reverse(d)), d);
  });
});

suite('offers and answers', () => {
  test('RFC 3264 §6 an answer: in order, the offerer’s order and numbers, port 0 for what cannot be done', () => {
    assert.equal(
      formatSdp(makeAnswer(value(parseSdp(OFFER)), BOB)),
      sdp(
        'v=0',
        'o=bob 5 1 IN IP4 192.0.2.20',
        's=-',
        't=0 0',
        'm=audio 49920 RTP/AVP 0 8 101',
        'c=IN IP4 192.0.2.20',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:8 PCMA/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=sendrecv',
        'm=video 0 RTP/AVP 31',
        'm=video 53000 RTP/AVP 32',
        'c=IN IP4 192.0.2.20',
        'a=rtpmap:32 MPV/90000',
        'a=sendrecv',
      ),
    );
  });

  test('RFC 3264 §6 events alone, another protocol, a second stream for one capability, port 0: refused', () => {
    const answered = (...lines: string[]) => {
      const offer = value(parseSdp(sdp('v=0', 'o=- 1 1 IN IP4 192.0.2.1', 'c=IN IP4 192.0.2.1', ...lines)));
      return makeAnswer(offer, BOB).media.map(({ port }) => port);
    };
    assert.deepEqual(answered('m=audio 4000 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000'), [0]);
    assert.deepEqual(answered('m=audio 4000 RTP/SAVP 0'), [0]);
    assert.deepEqual(
      answered('m=audio 0 RTP/AVP 0', 'm=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/AVP 0'),
      [0, 49920, 0],
    );
    assert.deepEqual(answered('m=audio 4000 RTP/AVP 99', 'a=rtpmap:99 pcmu/8000/1'), [49920]);
    assert.deepEqual(answered('m=application 4000 TCP x', 'm=audio 4000 RTP/AVP 96'), [0, 0]);
  });

  test('RFC 3264 §8 hold and resume: the direction and the version change, nothing else', () => {
    const offer = formatSdp(makeOffer(BOB));
    const held = value(holdOffer(offer));
    assert.equal(held, offer.replaceAll('a=sendrecv', 'a=sendonly').replace('bob 5 1 ', 'bob 5 2 '));
    assert.equal(value(resumeOffer(held)), offer.replace('bob 5 1 ', 'bob 5 3 '));
  });

  test('RFC 3264 §8 a leg’s origin: the same version for the same text, else one more, past 2^53 too', () => {
    let stamp: OriginStamp = { origin: { ...origin, version: o('18446744073709551609') } };
    const send = (text: Octets) => {
      const next = value(stampOrigin(stamp, text));
      stamp = next.stamp;
      return next.text.split('\r\n')[1];
    };
    assert.equal(send(OFFER), 'o=bob 5 18446744073709551609 IN IP4 192.0.2.20');
    assert.equal(
      send(o(OFFER.replace('alice 2890844526 2890844526', 'carol 1 1'))),
      'o=bob 5 18446744073709551609 IN IP4 192.0.2.20',
    );
    assert.equal(send(o(OFFER.replace('49170', '49172'))), 'o=bob 5 18446744073709551610 IN IP4 192.0.2.20');
    assert.equal(send(OFFER), 'o=bob 5 18446744073709551611 IN IP4 192.0.2.20');
  });
});

suite('the offer/answer machine', () => {
  const answer = formatSdp(makeAnswer(value(parseSdp(OFFER)), BOB));
  const run = (...inputs: [kind: offerAnswer.OfferAnswerInput['kind'], text?: Octets][]) => {
    let state: OfferAnswer = offerAnswer.IDLE;
    return inputs.map(([kind, text = o('')]) => {
      const [next, verdict] = offerAnswer.step(state, kind === 'rollback' ? { kind } : { kind, text });
      if (verdict.kind !== 'ok') assert.equal(next, state);
      state = next;
      const said = verdict.kind === 'ok' ? verdict.notes.join() : verdict.code;
      return `${state.kind}${said && ` ${said}`}`;
    });
  };

  test('RFC 3264 §4 offer and answer; the 200 that repeats a 183’s answer is ignored', () => {
    assert.deepEqual(run(['local-offer', OFFER], ['remote-answer', answer], ['remote-answer', answer]), [
      'local-offer',
      'stable',
      'stable no-offer-pending',
    ]);
  });

  test('RFC 3264 §4 no second offer while one waits: glare from the other side, a mistake from the same', () => {
    assert.deepEqual(run(['local-offer', OFFER], ['remote-offer', OFFER], ['local-offer', OFFER]), [
      'local-offer',
      'local-offer glare',
      'local-offer offer-pending',
    ]);
  });

  test('RFC 6337 §2.2 a refused re-offer leaves what was agreed', () => {
    const next = value(holdOffer(answer));
    assert.deepEqual(
      run(
        ['rollback'],
        ['remote-offer', OFFER],
        ['rollback'],
        ['remote-offer', OFFER],
        ['local-answer', answer],
        ['local-offer', next],
        ['rollback'],
      ),
      ['idle', 'remote-offer', 'idle', 'remote-offer', 'stable', 'local-offer', 'stable'],
    );
  });

  test('RFC 3264 §8 m= lines never go away, an answer mirrors them, a refused stream stays refused', () => {
    const short = o(OFFER.slice(0, OFFER.lastIndexOf('m=')));
    const dead = o(OFFER.replace('m=video 51372', 'm=video 0'));
    const kinds = o(answer.replace('m=audio', 'm=text'));
    assert.deepEqual(
      run(['remote-offer', OFFER], ['local-answer', answer], ['remote-offer', short]).at(-1),
      'stable media-lines-shrank',
    );
    assert.deepEqual(run(['local-offer', short], ['remote-answer', answer]).at(-1), 'local-offer media-lines-differ');
    assert.deepEqual(run(['local-offer', OFFER], ['remote-answer', kinds]).at(-1), 'local-offer media-lines-differ');
    const revived = o(answer.replace('m=video 0', 'm=video 7000'));
    assert.deepEqual(
      run(['local-offer', dead], ['remote-answer', revived]).at(-1),
      'local-offer refused-stream-revived',
    );
    assert.deepEqual(run(['local-offer', o('junk')]), ['idle unreadable']);
  });

  test('RFC 3264 §8 the version: not stepped or stepped by more is noted and let through', () => {
    const begin: Parameters<typeof run> = [
      ['remote-offer', OFFER],
      ['local-answer', answer],
    ];
    const again = (text: string) => run(...begin, ['remote-offer', o(text)]).at(-1);
    const version = (n: number) => OFFER.replace('2890844526 IN', `${n} IN`);
    assert.equal(again(OFFER), 'remote-offer');
    assert.equal(again(version(2890844527).replace('49170', '49172')), 'remote-offer');
    assert.equal(again(OFFER.replace('49170', '49172')), 'remote-offer version-not-stepped');
    assert.equal(again(version(2890844530)), 'remote-offer version-stepped-by-more');
    assert.equal(again(OFFER.replace('2890844526 ', '1 ')), 'remote-offer session-changed');
  });
});
