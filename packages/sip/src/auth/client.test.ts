import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { type Authorized, authorize, type DigestClientOptions, onChallenge } from './client.ts';

const o = (text: string) => text as Octets;
const request = { method: o('INVITE'), uri: o('sip:bob@example.test') };
const options: DigestClientOptions = {
  logins: [
    { realm: o('a.test'), user: o('alice'), password: o('pw-a') },
    { realm: o('b.test'), user: o('al'), password: o('pw-b') },
  ],
};
const challenge = (realm: string, nonce: string, rest = '') =>
  o(`Digest realm="${realm}", nonce="${nonce}", qop="auth"${rest}`);

/** Plays a server's refusals against the client and notes what it sends: `A` or `P`, realm, nonce, nc. */
function rig() {
  let now: Authorized = { memory: [], tries: [], fields: [] };
  const show = () =>
    now.fields.map(([name, value]) => {
      const of = (param: string) => new RegExp(`${param}="?([^",]*)`).exec(value)?.[1];
      return `${name[0]} ${of('realm')} ${of(' nonce')} ${Number.parseInt(of('nc') ?? '', 16)}`;
    });
  return {
    get remembered() {
      return now.memory.length;
    },
    send: () => {
      now = authorize(now.memory, request, options);
      return show();
    },
    refuse: (status: 401 | 407, ...challenges: Octets[]) => {
      const outcome = onChallenge(now, { proxy: status === 407, challenges, cnonce: o('cn') }, request, options);
      if (outcome.kind === 'refused') {
        now = { ...now, memory: outcome.memory };
        return outcome.code;
      }
      now = outcome;
      return show();
    },
  };
}

suite('digest client', () => {
  test('RFC 3261 §22.2 challenged once; the nonce is used again with the next count', () => {
    const t = rig();
    assert.deepEqual(t.send(), []);
    assert.deepEqual(t.refuse(401, challenge('a.test', 'n1')), ['A a.test n1 1']);
    assert.deepEqual(t.send(), ['A a.test n1 2']);
    assert.deepEqual(t.send(), ['A a.test n1 3']);
  });

  test('RFC 3261 §22.3 a proxy, then the server: both sets of credentials go with the third attempt', () => {
    const t = rig();
    t.send();
    assert.deepEqual(t.refuse(407, challenge('a.test', 'p1')), ['P a.test p1 1']);
    assert.deepEqual(t.refuse(401, challenge('b.test', 's1')), ['P a.test p1 2', 'A b.test s1 1']);
    assert.deepEqual(t.refuse(401, challenge('b.test', 's2')), 'rejected');
  });

  test('RFC 3261 §22.3 challenges of two realms in one response are both answered', () => {
    const t = rig();
    t.send();
    assert.deepEqual(t.refuse(407, challenge('a.test', 'x'), challenge('evil', 'e'), challenge('b.test', 'y')), [
      'P a.test x 1',
      'P b.test y 1',
    ]);
  });

  test('RFC 7616 §3.3 stale is taken up once', () => {
    const t = rig();
    t.send();
    t.refuse(401, challenge('a.test', 'n1'));
    assert.deepEqual(t.refuse(401, challenge('a.test', 'n2', ', stale=true')), ['A a.test n2 1']);
    assert.deepEqual(t.refuse(401, challenge('a.test', 'n3', ', stale=TRUE')), 'stale-again');
    assert.equal(t.remembered, 0);
  });

  test('RFC 3261 §22.2 a wrong password is not tried again, and is forgotten', () => {
    const t = rig();
    t.send();
    t.refuse(401, challenge('a.test', 'n1'));
    assert.equal(t.refuse(401, challenge('a.test', 'n2')), 'rejected');
    assert.deepEqual(t.send(), []);
  });

  test('an old nonce refused without a word of stale: a new one is tried once, the same one never', () => {
    const t = rig();
    t.send();
    t.refuse(401, challenge('a.test', 'n1'));
    t.send();
    assert.deepEqual(t.refuse(401, challenge('a.test', 'n2')), ['A a.test n2 1']);
    assert.equal(t.refuse(401, challenge('a.test', 'n3')), 'rejected');
    t.send();
    t.refuse(401, challenge('a.test', 'n4'));
    t.send();
    assert.equal(t.refuse(401, challenge('a.test', 'n4')), 'rejected');
  });

  test('CVE-2021-41158 only realms with a login are answered', () => {
    const t = rig();
    t.send();
    assert.equal(t.refuse(407, challenge('evil.test', 'n')), 'no-login-for-realm');
    assert.equal(t.refuse(401), 'no-challenge');
    assert.equal(t.refuse(401, o('Basic realm="a.test"')), 'nothing-usable');
    assert.equal(t.refuse(401, challenge('a.test', 'n', ', algorithm=MD4')), 'nothing-usable');
  });
});
