/** Messages that are none, or nearly: mutated, huge, in pieces, with lies about their length, with others hidden in them. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Parts, type Received, request, sdp, unique } from './support/message.ts';
import { type Peer, TcpPeer, UdpPeer } from './support/peer.ts';
import { ALICE, DOMAIN, MALLORY, Phone } from './support/phone.ts';
import { type Site, startSite } from './support/site.ts';

const BIG = 60_000;

/** Replayable: minstd. */
function dice(seed: number): (sides: number) => number {
  let x = seed;
  return (sides) => {
    x = (x * 48_271) % 0x7fffffff;
    return x % sides;
  };
}

suite('attack: malformed', { timeout: 60_000 }, () => {
  let site: Site;
  let eve: UdpPeer;

  before(async () => {
    site = await startSite();
    eve = await UdpPeer.at('127.0.0.4', site.port);
  });

  after(async () => {
    eve.close();
    await site.stop();
  });

  const options = (o: Partial<Parts> = {}): string =>
    request({
      method: 'OPTIONS',
      uri: `sip:${DOMAIN}`,
      from: '<sip:eve@127.0.0.4>;tag=f',
      to: `<sip:${DOMAIN}>`,
      sentBy: eve.sentBy,
      ...o,
    });

  /** What an INVITE, a REGISTER and their like look like when they are sound. */
  const seeds = (): readonly string[] => [
    options({ fields: ['Accept: application/sdp', 'Route: <sip:a@b;lr>, <sip:c;lr>'] }),
    options({
      method: 'INVITE',
      uri: `sip:${ALICE.user}@${DOMAIN}`,
      fields: ['Contact: <sip:e@127.0.0.4>'],
      body: sdp('127.0.0.4', 9),
    }),
    options({
      method: 'REGISTER',
      fields: [
        'm: <sip:e@127.0.0.4>;expires=60',
        'Authorization: Digest username="a", realm="b", nonce="c", uri="sip:x", response="d"',
      ],
    }),
    options({ method: 'BYE', to: `"A \\" B" <sip:${DOMAIN}>;tag=x`, fields: ['Reason: Q.850;cause=16'] }),
    options({ method: 'CANCEL' }),
    `SIP/2.0 200 OK\r\n${options().split('\r\n').slice(1).join('\r\n')}`,
  ];

  const pour = async (messages: Iterable<string | Uint8Array>): Promise<void> => {
    let count = 0;
    for (const message of messages) {
      eve.send(message);
      count += 1;
      if (count % 50 === 0) await sleep(4);
    }
    await sleep(150);
  };

  test('4,000 sound messages with a few octets changed, cut short, doubled (seed 1)', async () => {
    const roll = dice(1);
    const nasty = [0, 9, 10, 13, 32, 34, 37, 44, 58, 59, 60, 61, 62, 64, 92, 127, 128, 255];
    const mutants = function* (): Generator<Uint8Array> {
      for (let i = 0; i < 4_000; i += 1) {
        const all = seeds();
        let bytes = Buffer.from(all[roll(all.length)] ?? '', 'latin1');
        for (let n = roll(6); n >= 0; n -= 1) bytes[roll(bytes.length)] = nasty[roll(nasty.length)] ?? 0;
        if (roll(4) === 0) bytes = bytes.subarray(0, roll(bytes.length) + 1);
        if (roll(9) === 0) bytes = Buffer.concat([bytes, bytes]);
        yield bytes;
      }
    };
    await pour(mutants());
    await site.stands();
  });

  test('2,000 datagrams of chance (seed 2), of line breaks, of NULs, and empty ones', async () => {
    const roll = dice(2);
    const noise = function* (): Generator<Uint8Array> {
      for (let i = 0; i < 2_000; i += 1) yield Uint8Array.from({ length: roll(600) }, () => roll(256));
      for (let i = 0; i < 50; i += 1) yield Buffer.alloc(BIG, ['\r\n', '\0', '\n', ' ', 'a', ':'][i % 6]);
    };
    await pour(noise());
    assert.ok((await site.health()).serverTransactions < 20);
  });

  const HUGE: Readonly<Record<string, Partial<Parts>>> = {
    'a body': { body: 'x'.repeat(BIG) },
    'a header field': { fields: [`X: ${'y'.repeat(BIG)}`] },
    '10,000 header fields': { fields: new Array<string>(10_000).fill('a:b') },
    'folds without end': { fields: [`Subject: ${'a\r\n '.repeat(BIG / 4)}`] },
    'spaces before a colon': { fields: [`Subject${' '.repeat(BIG)}: x`] },
    'a branch': { branch: `z9hG4bK${'b'.repeat(BIG)}` },
    '1,500 Vias': {
      fields: [`Via: ${new Array<string>(1500).fill('SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1').join(', ')}`],
    },
    'a From of quoted quotes': { from: `"${'\\"'.repeat(BIG / 2)}" <sip:a@b>;tag=1` },
    'a quote that never ends': { fields: [`Authorization: Digest realm="${'\\'.repeat(BIG)}`] },
    '7,000 Routes': { fields: [`Route: ${'<sip:a>,'.repeat(7_000)}<sip:a>`] },
    '10,000 credentials': { fields: [`Authorization: Digest ${'a="b",'.repeat(9_900)}x=y`] },
    'a Request-URI of escapes': { uri: `sip:${'%41'.repeat(BIG / 3)}@${DOMAIN}` },
    'a Request-URI of parameters': { uri: `sip:a@${DOMAIN}${';a=b'.repeat(BIG / 4)}` },
    '50 Accepts, CVE-2018-7284': { fields: new Array<string>(50).fill('Accept: a/b;c=d') },
  };

  test('the largest of everything: each costs little, and nothing is kept of it', async () => {
    const before = site.memory();
    for (const [what, parts] of Object.entries(HUGE)) {
      const started = performance.now();
      await pour(Array.from({ length: 20 }, () => options(parts)));
      const honest = options();
      eve.received.length = 0;
      eve.send(honest);
      await eve.next('answer', (m) => m.header('Call-ID') === /Call-ID: (.*)\r/.exec(honest)?.[1]);
      assert.ok(performance.now() - started < 1_500, `20 with ${what} took ${performance.now() - started} ms`);
    }
    const { serverTransactions } = await site.health();
    assert.ok(serverTransactions < 20, `${serverTransactions} transactions`);
    assert.ok(site.memory() - before < 200, `${before} MiB became ${site.memory()}`);
  });

  test('numbers that are none, or too large: refused, and never taken for another', async () => {
    const statusOf = async (text: string): Promise<number> => {
      const callId = /Call-ID: (.*)\r/.exec(text)?.[1];
      eve.send(text);
      return (await eve.next('answer', (m) => m.header('Call-ID') === callId)).status;
    };
    for (const [cseq, status] of [
      ['0', 401],
      ['2147483647', 401],
      ['2147483648', 400],
      ['4294967297', 400],
      ['-1', 400],
      ['1e3', 400],
      ['0x1', 400],
      ['', 400],
    ] as const) {
      assert.equal(await statusOf(options().replace('CSeq: 1', `CSeq: ${cseq}`)), status, `CSeq ${cseq}`);
    }
    for (const [hops, status] of [
      ['255', 401],
      ['256', 400],
      ['-1', 400],
      ['4294967366', 400],
      ['', 400],
    ] as const) {
      assert.equal(
        await statusOf(options().replace('Max-Forwards: 70', `Max-Forwards: ${hops}`)),
        status,
        `Max-Forwards ${hops}`,
      );
    }
    for (const port of ['70000', '-1', '4294972356', 'x']) {
      assert.equal(await statusOf(options({ uri: `sip:${DOMAIN}:${port}` })), 400, `port ${port}`);
    }
    // Lengths: beyond the datagram, negative, twice.
    for (const length of [
      '1',
      '-1',
      '4294967296',
      '99999999999999999999',
      '0\r\nl: 0',
      '0\r\nContent-Length: 5',
      '0, 0',
      '+0',
      '0x0',
    ]) {
      assert.equal(
        await statusOf(options().replace('Content-Length: 0', `Content-Length: ${length}`)),
        400,
        `length ${length}`,
      );
    }
    // Expires beyond 2³², by somebody who may register.
    const phone = new Phone(await UdpPeer.at('127.0.0.5', site.port), MALLORY);
    for (const expires of [4_294_967_295, 4_294_967_296, 1e20]) {
      const answer = await phone.register({ contact: `<sip:m@127.0.0.5>;expires=${expires}` });
      const granted = Number(/;expires=(\d+)/.exec(answer.header('Contact') ?? '')?.[1]);
      assert.ok(answer.status === 400 || granted <= 7200, answer.text);
    }
    assert.equal((await phone.register({ contact: '*', expires: 0 })).status, 200);
    phone.peer.close();
  });

  test('TCP: a message octet by octet is one message; half a message, then nothing, is none', async () => {
    const slow = await TcpPeer.at('127.0.0.4', site.port);
    for (const octet of options({ sentBy: slow.sentBy, transport: 'TCP' })) {
      slow.send(octet);
      await new Promise(setImmediate);
    }
    assert.equal((await slow.next('answer', (m) => m.status > 0)).status, 401);
    slow.close();
    for (let i = 0; i < 100; i += 1) {
      const half = await TcpPeer.at('127.0.0.4', site.port);
      half.send(options({ method: 'INVITE', body: sdp('127.0.0.4', 9) }).slice(0, 1 + i * 4));
      half.socket.resetAndDestroy();
    }
    await site.stands();
  });

  test('TCP: a head of 2 MB, and lengths that are missing, negative, huge, two: the connection is closed, and no second message is seen', async () => {
    const lengths = [
      '',
      'Content-Length: -1',
      'Content-Length: 99999999999',
      'Content-Length: 2000000',
      'Content-Length: 0\r\nContent-Length: 80',
      'Content-Length: 0\r\nl: 80',
      'Content-Length: 0x0',
      'Content-Length: 0, 80',
      'Content-Length: 0\0',
      'Content-Length: +0',
    ];
    for (const length of lengths) {
      const peer = await TcpPeer.at('127.0.0.4', site.port);
      const parts = { sentBy: peer.sentBy, transport: 'TCP' } as const;
      const [head] = options(parts).split('Content-Length: 0');
      peer.send(`${head}${length}${length === '' ? '' : '\r\n'}\r\n${options({ ...parts, callId: 'smuggled' })}`);
      assert.ok(await peer.ended(1_000), `${JSON.stringify(length)} is still open`);
      assert.equal(
        peer.received.some((m) => m.header('Call-ID') === 'smuggled' || m.status === 401),
        false,
        length,
      );
    }
    const wide = await TcpPeer.at('127.0.0.4', site.port);
    wide.send('OPTIONS sip:a SIP/2.0\r\n');
    for (let i = 0; i < 256 && !wide.closed; i += 1) {
      wide.send(`X: ${'a'.repeat(8_189)}\r\n`);
      await new Promise(setImmediate);
    }
    assert.ok(await wide.ended(1_000));
  });

  test('a message within a message’s body or header stays there, over either transport', async () => {
    const inner = options({ callId: 'smuggled' });
    const tcp = await TcpPeer.at('127.0.0.4', site.port);
    const peers: readonly Peer[] = [eve, tcp];
    for (const peer of peers) {
      const parts = { sentBy: peer.sentBy, transport: peer.transport };
      const texts = [
        options({ ...parts, body: inner }),
        options({ ...parts, body: `\r\n\r\n${inner}` }),
        options({ ...parts, fields: [`X: y\n\n${inner.replaceAll('\r\n', '\n')}`] }),
        options({ ...parts, fields: [`X: y\r\r${inner.replaceAll('\r\n', '\r')}`] }),
        options({ ...parts, from: `"a\0\n" <sip:a@b>;tag=f` }),
        options({ ...parts, fields: [`Subject: \xc4\x8d\xc4\x8a${'Contact: <sip:eve@127.0.0.4>'}`] }),
      ];
      for (const text of texts) {
        peer.send(text);
        await sleep(30);
      }
      const smuggled = (m: Received): boolean => m.header('Call-ID') === 'smuggled';
      assert.equal(peer.received.some(smuggled), false);
      // Answers are whole: nothing of what they echo begins a line or a message of its own.
      for (const { text } of peer.received) assert.equal(/[^\r]\n|\r[^\n]|\0/.test(text), false, JSON.stringify(text));
    }
    tcp.close();
  });

  test('CVE-2020-28361 a field twice is two opinions, whether compact, folded, in capitals or with a space before its colon', async () => {
    const again = [
      'Call-ID: x',
      'i: x',
      'CALL-ID : x',
      'call-id\t: x',
      'f: <sip:a@b>;tag=2',
      'From : <sip:a@b>;tag=2',
      't: <sip:a@b>',
      'To  : <sip:a@b>',
      'CSeq: 2 OPTIONS',
      'cseq :\r\n 2 OPTIONS',
      'Max-Forwards: 3',
      'max-forwards\t:\r\n\t3',
      'l: 0',
      'Content-Length :\r\n 0',
    ];
    for (const field of again) {
      const text = options({ callId: unique('twice'), fields: [field] });
      eve.received.length = 0;
      eve.send(text);
      const answer = await eve.next('answer', (m) => m.status > 0);
      assert.equal(answer.status, 400, field);
    }
  });

  test('the server stands, and honest people are served', async () => {
    await site.stands();
  });
});
