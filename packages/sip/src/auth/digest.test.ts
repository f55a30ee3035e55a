import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { answerChallenge, chooseChallenge, nextCredentials, parseChallenge } from './answer.ts';
import { readCredentials } from './credentials.ts';
import { digestResponse, equalsConstantTime, ha1, userHash } from './digest.ts';

const o = (text: string) => text as Octets;
const md5 = (text: string) => createHash('md5').update(text, 'latin1').digest('hex');
const HTTP_AUTH = o('http-auth@example.org');
const NONCE = o('7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v');
const CNONCE = o('f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ');
const GET = { method: o('GET'), uri: o('/dir/index.html') };
const MUFASA = { user: o('Mufasa'), password: o('Circle of Life') };

suite('the digest', () => {
  test('RFC 2617 §3.5 the example', () => {
    const response = digestResponse({
      algorithm: 'MD5',
      session: false,
      ha1: ha1('MD5', o('Mufasa'), o('testrealm@host.com'), o('Circle Of Life')),
      ...GET,
      nonce: o('dcd98b7102dd2f0e8b11d0f600bfb0c093'),
      qop: 'auth',
      nc: o('00000001'),
      cnonce: o('0a4f113b'),
    });
    assert.equal(response, '6629fae49393a05397450978507c4ef1');
  });

  test('RFC 7616 §3.9.1 MD5 and SHA-256 offered: each answered right, the stronger chosen', () => {
    const challenge = (algorithm: string) =>
      o(`Digest realm="${HTTP_AUTH}", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="FQhe/q"`);
    const answered = (...algorithms: string[]) => {
      const challenges = algorithms.map(challenge);
      const answer = answerChallenge({ challenges, ...GET, ...MUFASA, realm: HTTP_AUTH, cnonce: CNONCE });
      assert.equal(answer.kind, 'answer');
      return answer.value;
    };
    assert.match(answered('MD5'), /response="8ca523f5e9506fed4657c9700eebdbec"/);
    assert.equal(
      answered('MD5', 'SHA-256'),
      `Digest username="Mufasa", realm="${HTTP_AUTH}", nonce="${NONCE}", uri="/dir/index.html", ` +
        'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", algorithm=SHA-256, ' +
        `opaque="FQhe/q", cnonce="${CNONCE}", qop=auth, nc=00000001`,
    );
  });

  test('RFC 7616 §3.9.2 with its erratum 4897: SHA-512-256, UTF-8 and userhash', () => {
    const realm = o('api@example.org');
    const user = o('J\xc3\xa4s\xc3\xb8n Doe');
    assert.equal(
      userHash('SHA-512-256', user, realm),
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
    const challenge = o(
      `Digest realm="${realm}", qop="auth", algorithm=SHA-512-256, ` +
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", charset=UTF-8, userhash=true',
    );
    const answer = answerChallenge({
      challenges: [challenge],
      method: o('GET'),
      uri: o('/doe.json'),
      user,
      password: o('Secret, or not?'),
      cnonce: o('NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v'),
    });
    assert.equal(answer.kind, 'answer');
    assert.match(answer.value, /username="793263caabb707a5/);
    assert.match(answer.value, /response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"/);
    const read = readCredentials([answer.value], realm);
    assert.ok(read.kind === 'credentials' && read.credentials.userhash);
    const extended = o(
      answer.value.replace(/username="[^"]*"/, "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe").replace('userhash=true, ', ''),
    );
    const plain = readCredentials([extended], realm);
    assert.ok(plain.kind === 'credentials');
    assert.equal(plain.credentials.username, user);
  });

  test('RFC 7616 §3.4.2 MD5-sess: HA1 is bound to the nonce and the one cnonce; the count goes on', () => {
    const read = parseChallenge(o('Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"'));
    assert.ok(read.ok);
    const login = { user: o('u'), password: o('p') };
    const request = { method: o('REGISTER'), uri: o('sip:r') };
    const first = nextCredentials({ challenge: read.value, cnonce: o('c'), count: 0 }, login, request);
    const second = nextCredentials(first.session, login, request);
    const secret = md5(`${md5('u:r:p')}:n:c`);
    for (const [i, { value }] of [first, second].entries()) {
      const expected = md5(`${secret}:n:0000000${i + 1}:c:auth:${md5('REGISTER:sip:r')}`);
      assert.ok(value.includes(`response="${expected}"`), value);
      assert.ok(value.includes('algorithm=MD5-sess'));
    }
  });

  test('RFC 7616 §3.4.3 auth-int, where nothing else is offered, hashes the body', () => {
    const challenges = [o('Digest realm="r", nonce="n", qop="auth-int"')];
    const answer = answerChallenge({
      challenges,
      method: o('MESSAGE'),
      uri: o('sip:r'),
      user: o('u'),
      password: o('p'),
      cnonce: o('c'),
      body: o('hello'),
    });
    assert.equal(answer.kind, 'answer');
    const expected = md5(`${md5('u:r:p')}:n:00000001:c:auth-int:${md5(`MESSAGE:sip:r:${md5('hello')}`)}`);
    assert.ok(answer.value.includes(`response="${expected}"`));
  });

  test('RFC 2617 §3.2.2 no qop: neither cnonce nor nc is sent', () => {
    const answer = answerChallenge({
      challenges: [o('Digest realm="r", nonce="n"')],
      ...GET,
      ...MUFASA,
      cnonce: o('c'),
    });
    assert.equal(answer.kind, 'answer');
    assert.doesNotMatch(answer.value, /cnonce|qop|nc=/);
    assert.ok(answer.value.includes(md5(`${md5('Mufasa:r:Circle of Life')}:n:${md5('GET:/dir/index.html')}`)));
  });

  test('RFC 8760 §2.4 the strongest of several, whatever the order; unknown ones passed over', () => {
    const read = ['MD5', 'TOKEN-9', 'SHA-512-256', 'SHA-256']
      .map((algorithm) => parseChallenge(o(`Digest realm="r", nonce="n-${algorithm}", algorithm=${algorithm}`)))
      .flatMap((c) => (c.ok ? [c.value] : []));
    assert.equal(chooseChallenge(read)?.nonce, 'n-SHA-512-256');
    assert.equal(chooseChallenge(read, ['SHA-256', 'MD5'])?.nonce, 'n-SHA-256');
    const odd = parseChallenge(o('Digest realm="r", nonce="n", qop="auth-conf"'));
    assert.ok(odd.ok);
    assert.equal(chooseChallenge([odd.value]), undefined);
  });

  test('CVE-2021-41158 a challenge of another realm is not answered', () => {
    const answer = answerChallenge({
      challenges: [o('Digest realm="evil", nonce="n"')],
      ...GET,
      ...MUFASA,
      realm: HTTP_AUTH,
      cnonce: o('c'),
    });
    assert.deepEqual(answer, { kind: 'refused', code: 'realm', why: 'no credentials for the realm "evil"' });
    const basic = answerChallenge({ challenges: [o('Basic realm="r"')], ...GET, ...MUFASA, cnonce: o('c') });
    assert.equal(basic.kind === 'refused' && basic.code, 'nothing-usable');
  });

  test('quotes and backslashes in names are escaped, and read back', () => {
    const user = o('a"b\\c');
    const answer = answerChallenge({
      challenges: [o('Digest realm="x\\"y", nonce="n", qop="auth"')],
      ...GET,
      user,
      password: o('p'),
      cnonce: o('c'),
    });
    assert.equal(answer.kind, 'answer');
    const read = readCredentials([answer.value], o('x"y'));
    assert.ok(read.kind === 'credentials');
    assert.equal(read.credentials.username, user);
  });

  test('comparison: the same, different, of different length', () => {
    assert.equal(equalsConstantTime(o('abc'), o('abc')), true);
    assert.equal(equalsConstantTime(o('abc'), o('abd')), false);
    assert.equal(equalsConstantTime(o('abc'), o('ab')), false);
  });
});
