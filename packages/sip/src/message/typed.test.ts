import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall, EMPTY, encode, type Octets, octets } from '@strowger/proto';
import fc from 'fast-check';
import * as sip from './index.ts';
import {
  equalUri,
  formatUri,
  type HeaderDef,
  parseHeader,
  parseMessage,
  parseUri,
  screenMessage,
  type Uri,
} from './index.ts';
import { isListField } from './lists.ts';

const ALNUM = 'abcdefghijklmnopqrstuvwxyz0123456789';
const chars = (set: string, minLength = 1, maxLength = 12) =>
  fc.string({ unit: fc.constantFrom(...set), minLength, maxLength }).map((s) => s as Octets);
const token = chars(`${ALNUM}ABC-.!%*_+\`'~`);
const lower = chars(`${ALNUM}-.!%*_+\`'~`);
const word = chars(`${ALNUM}-.!%*_+\`'~()<>:\\"/[]?{}`);
const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((s) => encode(s.replace(/[\r\n\0]/g, '')));
const quoted = text.map(sip.quoteOctets);
const number = fc.nat(0xffffffff);
const host = fc.oneof(
  chars(`${ALNUM}-.`),
  fc.constantFrom('[2001:db8::1]', '192.0.2.1').map((s) => s as Octets),
);
const port = fc.option(fc.nat(65_535), { nil: undefined });
const user = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map(sip.escapeUser);
/** What fast-check leaves undefined is left out, and prototypes are ordinary. */
const plain = <T extends object>(o: T): T => JSON.parse(JSON.stringify(o)) as T;

const paramsOf = (value: fc.Arbitrary<Octets>) =>
  fc.uniqueArray(fc.record({ name: lower, value: fc.option(value, { nil: undefined }) }).map(plain), {
    maxLength: 3,
    selector: (p) => p.name,
  });
const params = paramsOf(fc.oneof(token, quoted, host)) as fc.Arbitrary<sip.Params>;
const uriParams = fc.uniqueArray(
  fc
    .record({
      name: chars(`${ALNUM}-_.!~*'()[]/:&+$`),
      value: fc.option(chars(`${ALNUM}-_.!~*'()[]/:&+$`), { nil: undefined }),
    })
    .map(plain),
  { maxLength: 3, selector: (p) => p.name },
) as fc.Arbitrary<sip.Params>;

const sipUri = fc
  .record({
    kind: fc.constant('sip' as const),
    secure: fc.boolean(),
    user: fc.option(user, { nil: undefined }),
    host,
    port,
    params: uriParams,
    headers: fc.option(chars(`${ALNUM}=&`), { nil: undefined }),
  })
  .map(plain) as fc.Arbitrary<sip.SipUri>;
const telUri = fc.record({ kind: fc.constant('tel' as const), number: chars('0123456789-.'), params: uriParams });
const otherUri = fc.record({
  kind: fc.constant('other' as const),
  scheme: fc.constant('urn' as Octets),
  text: chars(`${ALNUM}:;/`),
});
const uri: fc.Arbitrary<Uri> = fc.oneof(sipUri, telUri, otherUri);

const nameAddr = fc
  .record({ display: fc.option(text, { nil: undefined }), uri, params })
  .map(plain) as fc.Arbitrary<sip.NameAddr>;
const tokenParams = fc.record({ value: token, params });
const uriRef = fc.record({ uri, params });
const mediaType = fc.record({ type: token, subtype: token, params });
const delta = fc.record({ delta: number, params });
const callId = fc.tuple(word, fc.option(word)).map(([a, b]) => (b === null ? a : octets`${a}@${b}`));
const authParams = fc.array(fc.record({ name: lower, value: fc.oneof(token, quoted) }), { minLength: 1, maxLength: 4 });
const line = text.map((t) => t.replace(/^[ \t]+|[ \t]+$/g, '') as Octets);

/** Each definition with values that it must format and read back the same. */
const DEFS: readonly (readonly [HeaderDef<never>, fc.Arbitrary<unknown>])[] = [
  [sip.via, fc.record({ transport: token.map((t) => t.toUpperCase()), host, port, params }).map(plain)],
  ...[sip.from, sip.to, sip.contact, sip.route, sip.recordRoute, sip.path, sip.serviceRoute, sip.replyTo].map((d) => [
    d,
    nameAddr,
  ]),
  ...[sip.referTo, sip.referredBy, sip.pAssertedIdentity, sip.pPreferredIdentity, sip.diversion].map((d) => [
    d,
    nameAddr,
  ]),
  [sip.contact, fc.constant('*')],
  [sip.callId, callId],
  [sip.inReplyTo, callId],
  [sip.cseq, fc.record({ seq: fc.nat(0x7fffffff), method: token })],
  ...[sip.maxForwards, sip.contentLength, sip.expires, sip.minExpires, sip.rseq, sip.flowTimer].map((d) => [d, number]),
  ...[sip.require, sip.proxyRequire, sip.supported, sip.unsupported, sip.allow, sip.allowEvents].map((d) => [d, token]),
  ...[sip.contentEncoding, sip.contentLanguage, sip.priority, sip.mimeVersion, sip.sipEtag, sip.sipIfMatch].map((d) => [
    d,
    token,
  ]),
  ...[sip.organization, sip.server, sip.userAgent, sip.subject].map((d) => [d, line]),
  ...[sip.contentType, sip.accept].map((d) => [d, mediaType]),
  ...[sip.acceptEncoding, sip.acceptLanguage, sip.contentDisposition, sip.event].map((d) => [d, tokenParams]),
  ...[sip.subscriptionState, sip.reason, sip.privacy].map((d) => [d, tokenParams]),
  ...[sip.alertInfo, sip.callInfo, sip.errorInfo].map((d) => [d, uriRef]),
  ...[sip.sessionExpires, sip.minSe].map((d) => [d, delta]),
  ...[sip.authorization, sip.proxyAuthorization, sip.wwwAuthenticate, sip.proxyAuthenticate].map((d) => [
    d,
    fc.record({ scheme: token, params: authParams }),
  ]),
  [sip.authenticationInfo, authParams],
  [sip.date, fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => asWall(s * 1000))],
  [
    sip.timestamp,
    fc.record({ value: fc.constant('54.21'), delay: fc.option(fc.constant('.5'), { nil: undefined }) }).map(plain),
  ],
  [
    sip.retryAfter,
    fc
      .record({ delta: number, comment: fc.option(fc.constant('(in (a) meeting)'), { nil: undefined }), params })
      .map(plain),
  ],
  [sip.warning, fc.record({ code: fc.integer({ min: 100, max: 999 }), agent: host, text })],
  [sip.rack, fc.record({ rseq: number, cseq: number, method: token })],
  [
    sip.replaces,
    fc.record({
      callId,
      params: fc.tuple(token, token).map(([a, b]) => [
        { name: 'to-tag', value: a },
        { name: 'from-tag', value: b },
      ]),
    }),
  ],
] as unknown as [HeaderDef<never>, fc.Arbitrary<unknown>][];

suite('RFC 3261 §20 typed header fields', () => {
  for (const [def, values] of DEFS) {
    test(`RFC 3261 §20 ${def.name}: what is formatted reads back the same`, () => {
      fc.assert(
        fc.property(values, (value) => {
          const formatted = def.format(value as never);
          assert.equal(/[\r\n]/.test(formatted), false);
          assert.deepEqual(parseHeader(def, formatted), plain({ ok: true, value }));
        }),
        { numRuns: 60 },
      );
    });
  }

  test('RFC 3261 §7.3.3: a definition and its names agree on the id', () => {
    for (const [def] of DEFS) {
      assert.ok(def.id > 0, def.name);
      assert.equal(sip.headerId(def.name.toUpperCase()), def.id);
      if (def.compact !== undefined) assert.equal(sip.headerId(def.compact), def.id);
      assert.equal(sip.headerName(def.id), def.name);
      assert.equal(isListField(def.name), def.list, def.name);
    }
  });

  test('RFC 3261 §19.1: a URI reads back the same and equals itself', () => {
    fc.assert(
      fc.property(uri, (value) => {
        assert.deepEqual(parseUri(formatUri(value)), plain({ ok: true, value }));
        assert.ok(equalUri(value, value));
      }),
    );
  });

  test('RFC 3261 §19.1.4: the clause’s own examples of equal and unequal URIs', () => {
    const equal = (a: string, b: string) => {
      const [x, y] = [parseUri(a as Octets), parseUri(b as Octets)];
      assert.ok(x.ok && y.ok);
      return equalUri(x.value, y.value);
    };
    assert.ok(equal('sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'));
    assert.ok(equal('sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'));
    assert.ok(equal('sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'));
    assert.ok(
      equal(
        'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
        'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
      ),
    );
    assert.ok(
      equal(
        'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
        'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
      ),
    );
    for (const [a, b] of [
      ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
      ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
      ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
      ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
      ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
      ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
      ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ] as const) {
      assert.equal(equal(a, b), false, `${a} ${b}`);
    }
  });

  test('RFC 3261 §7: nothing makes parser, screening or any header throw', () => {
    const seed = octets`INVITE sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: "A" <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\ni: x@y\r\nCSeq: 1 INVITE\r\nm: *\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\nl: 0\r\n\r\n`;
    const octet = fc.nat(255).map((c) => String.fromCharCode(c));
    const mutation = fc.record({
      at: fc.nat(seed.length),
      cut: fc.nat(8),
      put: fc.string({
        unit: fc.oneof(octet, fc.constantFrom('"', '<', ',', ';', '\r\n', ' ', '%', '@', ':', '\\')),
        maxLength: 4,
      }),
    });
    const all = DEFS.map(([def]) => def);
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 8 }), (mutations) => {
        let mutated = seed as string;
        for (const { at, cut, put } of mutations) mutated = mutated.slice(0, at) + put + mutated.slice(at + cut);
        const outcome = parseMessage(mutated as Octets);
        if (outcome.kind !== 'message') return;
        const { message } = outcome;
        const verdict = screenMessage(message);
        for (const def of all) message.readAll(def);
        assert.ok([...message.fields()].length < 40);
        if (message.kind === 'request') assert.equal(parseMessage(sip.composeResponse(message, 400)).kind, 'message');
        if (verdict === undefined)
          assert.ok(message.topVia && message.from && message.to && message.callId !== EMPTY && message.cseq);
      }),
      { numRuns: 2000 },
    );
  });
});
