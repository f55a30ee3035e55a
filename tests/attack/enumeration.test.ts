/** A stranger wants to know who there is: from what answers say, and from how long they take. And wants to guess on. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Received, request, unique } from './support/message.ts';
import { UdpPeer } from './support/peer.ts';
import { type Account, ALICE, BOB, credentials, DOMAIN } from './support/phone.ts';
import { type Site, startSite } from './support/site.ts';

const WRONG: Account = { user: ALICE.user, password: 'a wrong guess' };
const UNKNOWN: Account = { user: '4711', password: 'a wrong guess' };
const METHODS = [
  'REGISTER',
  'INVITE',
  'OPTIONS',
  'SUBSCRIBE',
  'MESSAGE',
  'NOTIFY',
  'PUBLISH',
  'REFER',
  'INFO',
  'UPDATE',
  'BYE',
  'PRACK',
  'NONSENSE',
];

/** All that differs from request to request made the same. */
const masked = ({ text }: Received, user: string): string =>
  text
    .replaceAll(user, 'USER')
    .replace(/branch=[^;\s]+/g, 'branch=B')
    .replace(/;tag=[^;\s]+/g, ';tag=T')
    .replace(/nonce="[^"]*"/g, 'nonce=N')
    .replace(/^Call-ID: .*$/m, 'Call-ID: C')
    .replace(/\d+(?=;rport|\r\n)/g, '#');

suite('attack: enumeration', { timeout: 60_000 }, () => {
  let site: Site;
  let eve: UdpPeer;

  before(async () => {
    site = await startSite({ config: { limits: { failuresPerMinute: 2_000 } } });
    eve = await UdpPeer.at('127.0.0.4', site.port);
  });

  after(async () => {
    eve.close();
    await site.stop();
  });

  const partsOf = (method: string, user: string) => {
    const uri = method === 'REGISTER' ? `sip:${DOMAIN}` : `sip:${user}@${DOMAIN}`;
    const fields = [`Contact: <sip:eve@${eve.sentBy}>`];
    return {
      method,
      uri,
      from: `<sip:${user}@${DOMAIN}>;tag=f`,
      to: `<sip:${user}@${DOMAIN}>`,
      sentBy: eve.sentBy,
      fields,
    };
  };

  const tell = async (method: string, user: string, proof: readonly string[] = []): Promise<Received> => {
    const parts = partsOf(method, user);
    const callId = unique('c');
    eve.send(request({ ...parts, callId, fields: [...parts.fields, ...proof] }));
    return eve.final(callId, `1 ${method}`);
  };

  const guess = async (method: string, { user, password }: Account): Promise<Received> => {
    const { uri } = partsOf(method, user);
    const proof = credentials(await tell(method, user), { user, password }, { method, uri });
    return tell(method, user, [proof]);
  };

  test('each method, without credentials: an extension that is there and one that is not are answered the same octets', async () => {
    for (const method of METHODS) {
      const [known, unknown] = [await tell(method, ALICE.user), await tell(method, UNKNOWN.user)];
      assert.ok(known.status === 401 || known.status === 407, `${method}: ${known.status}`);
      assert.equal(masked(known, ALICE.user), masked(unknown, UNKNOWN.user));
    }
  });

  test('each method, with credentials: a wrong password and an unknown user are answered the same octets', async () => {
    for (const method of METHODS) {
      const [wrong, unknown] = [await guess(method, WRONG), await guess(method, UNKNOWN)];
      assert.equal(masked(wrong, WRONG.user), masked(unknown, UNKNOWN.user));
      assert.equal(wrong.text.includes('stale'), false);
    }
  });

  test('and they take as long: medians of 200 each within a third', async () => {
    const times = { wrong: [] as number[], unknown: [] as number[] };
    const proofs = {
      wrong: credentials(await tell('OPTIONS', WRONG.user), WRONG, {
        method: 'OPTIONS',
        uri: partsOf('OPTIONS', WRONG.user).uri,
      }),
      unknown: credentials(await tell('OPTIONS', UNKNOWN.user), UNKNOWN, {
        method: 'OPTIONS',
        uri: partsOf('OPTIONS', UNKNOWN.user).uri,
      }),
    };
    for (let i = 0; i < 220; i += 1) {
      for (const [kind, { user }] of [
        ['wrong', WRONG],
        ['unknown', UNKNOWN],
      ] as const) {
        const started = performance.now();
        await tell('OPTIONS', user, [proofs[kind]]);
        // The first are the compiler's.
        if (i >= 20) times[kind].push(performance.now() - started);
      }
    }
    const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] ?? 0;
    const [wrong, unknown] = [median(times.wrong), median(times.unknown)];
    assert.ok(Math.max(wrong, unknown) / Math.min(wrong, unknown) < 4 / 3, `${wrong} ms, ${unknown} ms`);
  });

  test('a hundred guesses a minute are not a thousand: who guesses on is left unanswered, by whatever method and target; others are not', async () => {
    const strict = await startSite();
    const mallory = await UdpPeer.at('127.0.0.5', strict.port);
    try {
      const callId = unique('c');
      const parts = { ...partsOf('REGISTER', ALICE.user), sentBy: mallory.sentBy };
      mallory.send(request({ ...parts, callId }));
      const asked = await mallory.final(callId, '1 REGISTER');
      for (let i = 0; i < 100; i += 1) {
        const uri = i % 2 === 0 ? `sip:${DOMAIN}` : 'urn:service:sos';
        const method = i % 2 === 0 ? 'REGISTER' : 'INVITE';
        const proof = credentials(asked, { user: ALICE.user, password: `guess ${i}` }, { method, uri });
        const to = i % 3 === 0 ? `${parts.to};tag=${unique('t')}` : parts.to;
        mallory.send(request({ ...parts, method, uri, to, callId: `guess-${i}`, fields: [...parts.fields, proof] }));
      }
      const last = { ...parts, to: `<sip:${BOB.user}@${DOMAIN}>` };
      const register = { method: 'REGISTER', uri: `sip:${DOMAIN}` };
      const right = credentials(asked, BOB, register);
      mallory.send(request({ ...last, ...register, callId: 'at-last', fields: [...parts.fields, right] }));
      await assert.rejects(mallory.final('at-last', '1 REGISTER', 500));
      const judged = mallory.received.filter(
        (m) => m.method === 'REGISTER' && m.header('Call-ID')?.startsWith('guess'),
      );
      assert.ok(judged.length <= 31, `${judged.length} guesses were judged`);
      // An emergency call is answered, and says nothing of the password.
      const sos = { method: 'INVITE', uri: 'urn:service:sos' };
      const rightToo = credentials(asked, BOB, { ...sos, nc: 2 });
      mallory.send(request({ ...last, ...sos, callId: 'at-last', fields: [...parts.fields, rightToo] }));
      assert.equal((await mallory.final('at-last', '1 INVITE', 500)).status, 407);
      await strict.stands();
    } finally {
      mallory.close();
      await strict.stop();
    }
  });

  test('the server stands, and honest people are served', async () => {
    await site.stands();
  });
});
