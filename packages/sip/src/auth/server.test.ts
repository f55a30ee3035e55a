import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall, type Octets, type Random, type Wall } from '@strowger/proto';
import fc from 'fast-check';
import { type Answer, answerChallenge } from './answer.ts';
import { readCredentials } from './credentials.ts';
import { HASHES, type HashFunctions } from './hash/hash.ts';
import { NonceStore } from './nonce-store.ts';
import {
  type DigestAccount,
  type DigestPolicy,
  type DigestVerdict,
  makeChallenge,
  passwordAccount,
  verify,
} from './server.ts';
import { sameUri } from './uri-rule.ts';

const o = (text: string) => text as Octets;
const REALM = o('example.test');
const URI = o('sip:example.test');
const HERE = o('192.0.2.1');
const REGISTER = o('REGISTER');
const random = (): Random => {
  let n = 0;
  return {
    fill: (into) => {
      for (let i = 0; i < into.length; i += 1) {
        n += 7;
        into[i] = n;
      }
      return into;
    },
  };
};
const KEY = o('k'.repeat(32));
const store = (boot = '00000001', capacity = 100) =>
  new NonceStore({ key: KEY, boot: o(boot), random: random(), lifetime: 60_000, capacity });
const alice = passwordAccount({ user: o('alice'), realm: REALM, password: o('secret') });

/** A server with one user, and a client that answers its challenges. */
function rig(nonces = store(), policy: DigestPolicy = {}) {
  const answer = (nonce: Octets, over: { password?: string; nc?: number; challenge?: Octets; body?: string } = {}) => {
    const challenge = over.challenge ?? (makeChallenge({ realm: REALM, nonce, algorithms: ['MD5'] })[0] as Octets);
    const made: Answer = answerChallenge({
      challenges: [challenge],
      method: REGISTER,
      uri: URI,
      user: o('alice'),
      password: o(over.password ?? 'secret'),
      cnonce: o('c0ffee'),
      nc: over.nc ?? 1,
      ...(over.body === undefined ? {} : { body: o(over.body) }),
    });
    assert.equal(made.kind, 'answer');
    return made.value;
  };
  const judge = (
    field: Octets,
    at = 0,
    over: { method?: string; uri?: string; account?: typeof alice; body?: string; from?: string } = {},
  ): string => {
    const read = readCredentials([field], REALM);
    const verdict: DigestVerdict =
      read.kind === 'credentials'
        ? verify({
            credentials: read.credentials,
            method: o(over.method ?? 'REGISTER'),
            uriText: o(over.uri ?? URI),
            realm: REALM,
            nonces,
            binding: o(over.from ?? HERE),
            now: asWall(1_000_000 + at),
            policy,
            ...('account' in over ? (over.account ? { account: over.account } : {}) : { account: alice }),
            ...(over.body === undefined ? {} : { body: o(over.body) }),
          })
        : read;
    const data = Object.entries(verdict).filter(([key]) => !['kind', 'credentials', 'fault'].includes(key));
    return [verdict.kind, ...data.map(([, value]) => value)].join(' ');
  };
  const issue = (at = 0) => nonces.issue(REALM, HERE, asWall(1_000_000 + at));
  return { nonces, answer, judge, issue };
}

suite('digest server', () => {
  test('RFC 8760 §2.3 one challenge an algorithm, in order of preference', () => {
    assert.deepEqual(
      makeChallenge({
        realm: o('a"b'),
        nonce: o('n'),
        algorithms: ['SHA-256', 'MD5'],
        stale: true,
        qop: ['auth', 'auth-int'],
      }),
      [
        'Digest realm="a\\"b", nonce="n", stale=true, algorithm=SHA-256, qop="auth,auth-int"',
        'Digest realm="a\\"b", nonce="n", stale=true, algorithm=MD5, qop="auth,auth-int"',
      ],
    );
    assert.deepEqual(makeChallenge({ realm: REALM, nonce: o('n'), algorithms: ['MD5'], qop: [] }), [
      'Digest realm="example.test", nonce="n", algorithm=MD5',
    ]);
  });

  test('RFC 3261 §22.4 accepted by every algorithm; wrong by password, method or body', () => {
    for (const algorithm of ['MD5', 'SHA-256', 'SHA-512-256'] as const) {
      const { answer, judge, issue } = rig();
      const nonce = issue();
      const [challenge = o('')] = makeChallenge({ realm: REALM, nonce, algorithms: [algorithm] });
      assert.equal(judge(answer(nonce, { challenge })), 'accepted');
      assert.equal(judge(answer(nonce, { challenge, nc: 2, password: 'guess' })), 'wrong digest');
      assert.equal(judge(answer(nonce, { challenge, nc: 2 }), 0, { method: 'INVITE' }), 'wrong digest');
      const [integrity = o('')] = makeChallenge({ realm: REALM, nonce, algorithms: [algorithm], qop: ['auth-int'] });
      assert.equal(judge(answer(nonce, { challenge: integrity, nc: 3, body: 'x' }), 0, { body: 'x' }), 'accepted');
      assert.equal(judge(answer(nonce, { challenge: integrity, nc: 4, body: 'x' }), 0, { body: 'y' }), 'wrong digest');
    }
  });

  test('RFC 7616 §3.3 stale only where the digest was right: expired, another boot', () => {
    const { answer, judge, issue, nonces } = rig();
    const nonce = issue();
    assert.equal(judge(answer(nonce), 60_000), 'accepted');
    assert.equal(judge(answer(nonce, { nc: 2 }), 60_001), 'stale expired');
    assert.equal(judge(answer(nonce, { nc: 2, password: 'guess' }), 60_001), 'wrong digest');
    assert.equal(judge(answer(store('00000002').issue(REALM, HERE, asWall(1_000_000)))), 'stale other-boot');
    assert.equal(judge(answer(o('made-up'))), 'foreign-nonce');
    assert.equal(judge(answer(nonces.issue(o('other.test'), HERE, asWall(1_000_000)))), 'foreign-nonce');
    assert.equal(judge(answer(o(nonce.replace(/.$/, (c) => (c === '0' ? '1' : '0'))))), 'stale elsewhere');
    assert.equal(judge(answer(issue(200_000))), 'stale expired');
  });

  test('a nonce is good from where it was sent to alone; from elsewhere a guess is not counted, nor told from the password', () => {
    const { answer, judge, issue, nonces } = rig();
    const nonce = issue();
    for (const nc of [1, 2]) {
      for (const password of ['secret', 'guess']) {
        const field = answer(nonce, { password, nc });
        assert.equal(judge(field, 0, { from: '192.0.2.2' }), 'stale elsewhere');
        assert.equal(judge(answer(o('made-up'), { password, nc })), 'foreign-nonce');
      }
    }
    assert.equal(nonces.size, 0);
    assert.equal(judge(answer(nonce)), 'accepted');
    const binding = (text: string) =>
      new NonceStore({ key: KEY, boot: o('00000001'), random: random() }).issue(o('1:b'), o(text), asWall(1));
    assert.notEqual(binding('a'), binding('a:1'));
  });

  test('RFC 7616 §5.5 a count is taken once, in any order within 32', () => {
    const { answer, judge, issue } = rig();
    const nonce = issue();
    const use = (nc: number) => judge(answer(nonce, { nc }));
    assert.deepEqual([3, 1, 2, 3, 1, 40, 8, 9, 9, 0xffffffff, 41].map(use), [
      'accepted',
      'accepted',
      'accepted',
      'replayed 3',
      'replayed 1',
      'accepted',
      'replayed 8',
      'accepted',
      'replayed 9',
      'accepted',
      'replayed 41',
    ]);
  });

  test('an unknown user and one that may not use the algorithm read and cost what a wrong password does', () => {
    let hashed = 0;
    const hashes: HashFunctions = {
      ...HASHES,
      hash: (...args) => {
        hashed += 1;
        return HASHES.hash(...args);
      },
    };
    const { answer, issue, nonces } = rig();
    const field = answer(issue(), { password: 'guess' });
    const read = readCredentials([field], REALM);
    assert.ok(read.kind === 'credentials');
    const base = {
      credentials: read.credentials,
      method: REGISTER,
      uriText: URI,
      realm: REALM,
      nonces,
      binding: HERE,
      now: asWall(1_000_000),
      hashes,
    };
    const cost = (account?: DigestAccount) => {
      hashed = 0;
      const verdict = verify(account ? { ...base, account } : base);
      return `${verdict.kind} ${hashed}`;
    };
    const known = passwordAccount({ user: o('alice'), realm: REALM, password: o('secret'), hashes });
    assert.equal(cost(known), 'wrong 3');
    assert.equal(cost(), 'wrong 3');
    assert.equal(cost({ ha1: () => undefined }), 'wrong 3');
    assert.equal(nonces.size, 0);
  });

  test('RFC 2069 form only where allowed, and each nonce once', () => {
    const strict = rig();
    const challenge = (nonce: Octets) =>
      makeChallenge({ realm: REALM, nonce, algorithms: ['MD5'], qop: [] })[0] as Octets;
    const nonce = strict.issue();
    assert.equal(strict.judge(strict.answer(nonce, { challenge: challenge(nonce) })), 'malformed qop-missing');
    const lax = rig(store(), { withoutQop: true });
    const old = lax.answer(nonce, { challenge: challenge(nonce) });
    assert.deepEqual([lax.judge(old), lax.judge(old)], ['accepted', 'replayed 1']);
  });

  test('RFC 7616 §3.4 what is missing, misshapen or not offered is said by name', () => {
    const { answer, judge, issue } = rig(store(), { algorithms: ['SHA-256', 'MD5'], qop: ['auth'] });
    const nonce = issue();
    const good = answer(nonce);
    const bent = (from: string | RegExp, to: string) => judge(o(good.replace(from, to)));
    assert.equal(judge(o('Bearer abc')), 'no-credentials');
    assert.equal(bent('realm="example.test"', 'realm="other"'), 'no-credentials');
    assert.equal(bent('realm="example.test", ', ''), 'malformed parameter-missing');
    assert.equal(bent(/username="alice", /, ''), 'malformed parameter-missing');
    assert.equal(bent('cnonce="c0ffee", ', ''), 'malformed parameter-missing');
    assert.equal(bent('nc=00000001', 'nc=zz'), 'malformed parameter-bad');
    assert.equal(bent(/response="[^"]*"/, 'response="12"'), 'malformed parameter-bad');
    assert.equal(bent('qop=auth', 'qop=auth-conf'), 'malformed qop-unknown');
    assert.equal(bent('qop=auth', 'qop=auth-int'), 'malformed qop-not-offered');
    assert.equal(bent('username="alice"', 'username="alice", username="bob"'), 'malformed syntax');
    assert.equal(bent('username="alice"', 'username="alice'), 'malformed syntax');
    assert.equal(bent('algorithm=MD5', 'algorithm=MD4'), 'unknown-algorithm MD4');
    assert.equal(bent('algorithm=MD5', 'algorithm=MD5-sess'), 'unknown-algorithm MD5-sess');
    assert.equal(bent('algorithm=MD5', 'algorithm=SHA-512-256').split(' ')[0], 'malformed');
    assert.equal(judge(good, 0, { uri: 'sip:elsewhere.test' }), 'malformed uri-differs');
    assert.equal(judge(o(good.replaceAll(', ', ' ,\r\n ,  '))), 'accepted');
  });

  test('RFC 3261 §22.4 credentials of several proxies: the ones of our realm are found', () => {
    const { answer, issue } = rig();
    const ours = answer(issue());
    const read = readCredentials([o('Digest realm="other", username="x"'), o('Digest'), ours], REALM);
    assert.ok(read.kind === 'credentials');
    assert.equal(readCredentials([], REALM).kind, 'no-credentials');
  });

  test('RFC 7616 §3.4.6 the uri means the Request-URI: exactly, or whatever parameters proxies made of it', () => {
    const same = (a: string, b: string) => [sameUri(o(a), o(b), 'exact'), sameUri(o(a), o(b), 'lenient')];
    assert.deepEqual(same('sip:example.test', 'sip:example.test'), [true, true]);
    assert.deepEqual(same('sip:bob@Example.test:5060', 'SIP:bob@example.test;transport=tcp?x=y'), [false, true]);
    assert.deepEqual(same('sip:bob;a=b@example.test', 'sip:bob@example.test'), [false, false]);
    assert.deepEqual(same('sip:bob@example.test', 'sip:Bob@example.test'), [false, false]);
    assert.deepEqual(same('sip:example.test', 'sips:example.test'), [false, false]);
    assert.deepEqual(same('sip:example.test', 'sip:example.test:5070'), [false, false]);
    assert.equal(sameUri(o('sip:127.0.0.1:5060'), o('sip:1002@example.test'), 'any'), true);
  });

  test('any octets: a verdict, never an exception', () => {
    const { judge } = rig();
    const octets = fc.uint8Array({ maxLength: 120 }).map((bytes) => String.fromCharCode(...bytes));
    fc.assert(
      fc.property(octets, octets, (a, b) => {
        judge(o(a));
        judge(o(`Digest ${a}`));
        judge(
          o(`Digest realm="example.test", username="${a}", nonce="${b}", uri="${a}", response="${'0'.repeat(32)}"`),
        );
      }),
    );
  });
});

suite('nonce store', () => {
  test('bounded: the one first used longest ago goes, and is stale, not fresh, when it comes again', () => {
    const { answer, judge, issue, nonces } = rig(store('00000001', 3));
    const made = [0, 10, 20, 30, 40].map((at) => issue(at));
    const unusedOld = issue(5);
    for (const nonce of made) assert.equal(judge(answer(nonce), 50), 'accepted');
    assert.equal(nonces.size, 3);
    assert.equal(judge(answer(made[0] as Octets), 50), 'stale forgotten');
    assert.equal(judge(answer(made[1] as Octets, { nc: 2 }), 50), 'stale forgotten');
    assert.equal(judge(answer(unusedOld), 50), 'stale forgotten');
    assert.equal(judge(answer(made[4] as Octets), 50), 'replayed 1');
    assert.equal(judge(answer(issue(50)), 50), 'accepted');
  });

  test('what is past its lifetime is forgotten when room is wanted, and stays dead if the clock is set back', () => {
    const { answer, judge, issue, nonces } = rig(store('00000001', 3));
    const early = issue(0);
    assert.equal(judge(answer(early), 0), 'accepted');
    assert.equal(judge(answer(issue(100_000)), 100_000), 'accepted');
    assert.equal(nonces.size, 1);
    assert.equal(judge(answer(early), 1000), 'stale forgotten');
  });

  test('wrong digests leave nothing behind', () => {
    const { answer, judge, issue, nonces } = rig();
    for (let i = 0; i < 50; i += 1) judge(answer(issue(i), { password: `guess${i}` }), i);
    assert.equal(nonces.size, 0);
  });

  test('a key too short and a boot of another shape are refused at once', () => {
    const make = (key: string, boot: string) => () => new NonceStore({ key: o(key), boot: o(boot), random: random() });
    assert.throws(make('short', '00000001'), TypeError);
    assert.throws(make('k'.repeat(32), 'boot'), TypeError);
  });

  test('any order of counts: each accepted at most once, and all of them if none is 32 late', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 120 }), (counts) => {
        const nonces = store();
        const now = asWall(1_000_000);
        const nonce = nonces.issue(REALM, HERE, now);
        const taken = new Set<number>();
        let highest = 0;
        for (const count of counts) {
          const fresh = nonces.use(nonce, now, count, now) === 'fresh';
          const due = !taken.has(count) && (taken.size === 0 || count > highest - 32);
          assert.equal(fresh, due, `${counts} at ${count}`);
          if (fresh) taken.add(count);
          if (fresh) highest = Math.max(highest, count);
        }
      }),
    );
  });

  test('any use of any nonces in a store too small for them: nothing is ever taken twice', () => {
    const step = fc.record({
      nonce: fc.nat(9),
      count: fc.integer({ min: 1, max: 5 }),
      wait: fc.constantFrom(0, 1, 40_000),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
        const nonces = store('00000001', capacity);
        const made: { nonce: Octets; issued: Wall }[] = [];
        const taken = new Set<string>();
        let now = 1_000_000;
        for (const { nonce: wanted, count, wait } of steps) {
          now += wait;
          if (wanted >= made.length) made.push({ nonce: nonces.issue(REALM, HERE, asWall(now)), issued: asWall(now) });
          const { nonce, issued } = made[Math.min(wanted, made.length - 1)] as (typeof made)[number];
          if (nonces.judge(nonce, REALM, HERE, asWall(now)).kind !== 'sound') continue;
          if (nonces.use(nonce, issued, count, asWall(now)) !== 'fresh') continue;
          assert.equal(taken.has(`${nonce} ${count}`), false);
          taken.add(`${nonce} ${count}`);
          assert.ok(nonces.size <= capacity);
        }
      }),
    );
  });
});
