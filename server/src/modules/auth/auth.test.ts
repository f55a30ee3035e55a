import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assumeOctets, encode, octets } from '@strowger/proto';
import { type DigestAlgorithm, ha1, hash } from '@strowger/sip/auth';
import type { Principal } from '../../kernel/principal.ts';
import { because } from '../../kernel/reason.ts';
import { asModule, PHONE, type Rig, startRig } from '../../kernel/rig.ts';
import { type Device, type DirectoryService, directory } from '../directory/api.ts';
import { limitsModule } from '../limits/module.ts';
import { authModule } from './module.ts';

const REALM = octets`example.test`;
const OTHER = octets`other.test`;

const device = (tenant: string, user: string, algorithms: readonly DigestAlgorithm[] = ['MD5']): Device => ({
  tenant,
  person: `p-${user}`,
  device: `d-${user}`,
  extension: user,
  name: user,
  algorithms,
});

const DEVICES: Readonly<Record<string, Device>> = {
  'default 1001': device('default', '1001'),
  'default 1002': device('default', '1002', ['SHA-256', 'MD5']),
  'other 1001': device('other', '1001'),
};

const PEOPLE: Partial<DirectoryService> = {
  defaultTenant: 'default',
  tenantOf: (host) => (host === OTHER ? 'other' : host === REALM ? 'default' : undefined),
  isOurs: (host) => host === REALM || host === OTHER,
  domainOf: (tenant) => (tenant === 'other' ? OTHER : REALM),
  device: (tenant, user) => DEVICES[`${tenant} ${user}`],
  ha1: ({ tenant, extension }, algorithm) =>
    ha1(algorithm, encode(extension), tenant === 'other' ? OTHER : REALM, encode(`secret-${tenant}`)),
};

async function open(config = ''): Promise<{ readonly rig: Rig; readonly seen: Principal[] }> {
  const seen: Principal[] = [];
  const rig = await startRig({
    config: `domain: example.test\n${config}`,
    modules: [
      asModule((context) => context.provide(directory, PEOPLE as DirectoryService), {
        name: 'directory',
        offers: [directory],
      }),
      limitsModule,
      authModule,
      asModule((context) => {
        for (const method of ['REGISTER', 'INVITE', 'OPTIONS', 'MESSAGE']) {
          context.handle(method, ({ principal }) => {
            seen.push(principal);
            return { status: 200, reason: because('in') };
          });
        }
      }),
    ],
  });
  return { rig, seen };
}

let serial = 0;
interface Asked {
  readonly method?: string;
  readonly uri?: string;
  readonly from?: string;
  readonly domain?: string;
  readonly fields?: readonly string[];
}

function request({ method = 'REGISTER', uri, from = '1001', domain = 'example.test', fields = [] }: Asked = {}) {
  serial += 1;
  return [
    `${method} ${uri ?? `sip:${domain}`} SIP/2.0`,
    `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKa${serial}`,
    'Max-Forwards: 70',
    `From: <sip:${from}@${domain}>;tag=a`,
    `To: <sip:${from}@${domain}>`,
    'Call-ID: same',
    `CSeq: 1 ${method}`,
    ...fields,
  ];
}

const answerTo = (rig: Rig, lines: readonly string[], flow = PHONE) => rig.ask(lines, flow)[0]?.text ?? '';
const statusOf = (text: string) => Number(text.slice(8, 11));
const quoted = (text: string, name: string) => new RegExp(`${name}="?([^",\r]*)`).exec(text)?.[1] ?? '';

interface Login {
  readonly user?: string;
  readonly password?: string;
  readonly algorithm?: DigestAlgorithm;
  readonly nc?: number;
  readonly realm?: string;
}

/** `Authorization` for a challenge: RFC 7616 §3.4 with qop=auth. */
function credentials(
  challenge: string,
  { method = 'REGISTER', domain = 'example.test', uri }: Asked,
  login: Login = {},
) {
  const { user = '1001', password = 'secret-default', algorithm = 'MD5', nc = 1 } = login;
  const realm = login.realm ?? domain;
  const nonce = quoted(challenge, 'nonce');
  const target = uri ?? `sip:${domain}`;
  const count = String(nc).padStart(8, '0');
  const h = (text: string) => hash(algorithm, assumeOctets(text));
  const a1 = ha1(algorithm, encode(user), encode(realm), encode(password));
  const response = h(`${a1}:${nonce}:${count}:cn:auth:${h(`${method}:${target}`)}`);
  const name = method === 'INVITE' || method === 'MESSAGE' ? 'Proxy-Authorization' : 'Authorization';
  return `${name}: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${target}", algorithm=${algorithm}, qop=auth, nc=${count}, cnonce="cn", response="${response}"`;
}

/** Asks, is challenged, asks again: the second answer. */
function login(rig: Rig, asked: Asked = {}, as: Login = {}): string {
  const challenge = answerTo(rig, request(asked));
  return answerTo(rig, request({ ...asked, fields: [credentials(challenge, asked, as)] }));
}

suite('auth by digest (RFC 3261 §22)', () => {
  test('§22.2, §22.3 who registers is asked by 401, who calls by 407; the right password is let in', async () => {
    const { rig, seen } = await open();
    const asked = answerTo(rig, request());
    assert.equal(statusOf(asked), 401);
    assert.match(asked, /^WWW-Authenticate: Digest realm="example\.test", .*algorithm=MD5/m);
    const invite = { method: 'INVITE', uri: 'sip:1002@example.test' };
    assert.match(answerTo(rig, request(invite)), /^SIP\/2\.0 407 (?:.*\r\n)*Proxy-Authenticate: Digest /);
    assert.deepEqual([statusOf(login(rig)), statusOf(login(rig, invite))], [200, 200]);
    const [who] = seen;
    assert.ok(who?.kind === 'device');
    assert.deepEqual([who.tenant, who.extension, who.proof], ['default', '1001', 'digest']);
  });

  test('a wrong password and an unknown user get the same octets but for the nonce', async () => {
    const { rig } = await open();
    const wrong = login(rig, {}, { password: 'wrong' });
    const unknown = login(rig, {}, { user: '4711' });
    const masked = (text: string) =>
      text
        .replace(/nonce="[^"]*"/g, 'N')
        .replace(/branch=[^;\r]*/, 'B')
        .replace(/;tag=[0-9A-Za-z.-]{9,}/, ';T');
    assert.equal(statusOf(wrong), 401);
    assert.equal(masked(wrong), masked(unknown));
  });

  test('credentials for another method, realm, algorithm or of nonsense do not let in', async () => {
    const { rig, seen } = await open();
    const challenge = answerTo(rig, request());
    const withField = (field: string) => statusOf(answerTo(rig, request({ fields: [field] })));
    assert.equal(withField(credentials(challenge, { method: 'OPTIONS' })), 401);
    assert.equal(withField(credentials(challenge, {}, { realm: 'elsewhere.test' })), 401);
    assert.equal(withField(credentials(challenge, {}, { algorithm: 'SHA-256' })), 401, 'not in the device’s list');
    assert.equal(withField('Authorization: Digest username="1001", realm="example.test"'), 400);
    assert.equal(withField('Authorization: Basic YWxpY2U6c2VjcmV0'), 401);
    assert.deepEqual(seen, []);
  });

  test('RFC 7616 §3.3 a nonce count is taken once, an old nonce is stale; both are asked again with stale=true', async () => {
    const { rig } = await open();
    const challenge = answerTo(rig, request());
    const field = credentials(challenge, {});
    assert.equal(statusOf(answerTo(rig, request({ fields: [field] }))), 200);
    const replayed = answerTo(rig, request({ fields: [field] }));
    assert.match(replayed, /^SIP\/2\.0 401 (?:.*\r\n)*WWW-Authenticate: .*stale=true/);
    assert.equal(statusOf(answerTo(rig, request({ fields: [credentials(challenge, {}, { nc: 2 })] }))), 200);
    rig.advance(400_000);
    rig.take();
    const old = answerTo(rig, request({ fields: [credentials(challenge, {}, { nc: 3 })] }));
    assert.match(old, /stale=true/);
  });

  test('RFC 8760 §2.2 a device is asked by the algorithms of its list, in its order', async () => {
    const { rig } = await open();
    const asked = answerTo(rig, request({ from: '1002' }));
    assert.deepEqual(
      [...asked.matchAll(/algorithm=([A-Z0-9-]+)/g)].map(([, name]) => name),
      ['SHA-256', 'MD5'],
    );
    assert.equal(statusOf(login(rig, { from: '1002' }, { user: '1002', algorithm: 'SHA-256' })), 200);
  });

  test('the domain says whose user it is: one name in two tenants is two', async () => {
    const { rig, seen } = await open();
    const other = { domain: 'other.test' };
    assert.equal(statusOf(login(rig, other, { password: 'secret-other' })), 200);
    assert.equal(statusOf(login(rig, other, { password: 'secret-default' })), 401);
    assert.deepEqual(
      seen.map((who) => who.kind === 'device' && who.tenant),
      ['other'],
    );
  });

  test('no secret and no digest stands in the log or in a reason', async () => {
    const { rig } = await open('log: { level: debug }');
    login(rig);
    login(rig, {}, { password: 'wrong' });
    const said = JSON.stringify([rig.logged, [...rig.kernel.trace.records()].filter(({ kind }) => kind === 'why')]);
    assert.ok(!/secret-default|response=|nonce=|[0-9a-f]{32}/.test(said), said);
  });
});

suite('auth by network', () => {
  test('a trusted network needs no credentials, and is of the tenant whose domain it speaks to', async () => {
    const { rig, seen } = await open('trusted: [198.51.100.0/24]');
    assert.equal(statusOf(answerTo(rig, request())), 200);
    assert.equal(statusOf(answerTo(rig, request({ domain: 'other.test' }))), 200);
    assert.deepEqual(
      seen.map((who) => who.kind === 'network' && [who.tenant, who.network, who.proof]),
      [
        ['default', '198.51.100.0/24', 'address'],
        ['other', '198.51.100.0/24', 'address'],
      ],
    );
    const outside = { ...PHONE, remote: { address: '198.51.101.1', port: 5060 } };
    assert.equal(statusOf(answerTo(rig, request(), outside)), 401);
  });
});

suite('limits', () => {
  test('too many wrong passwords: left unanswered for a while, others are not', async () => {
    const { rig } = await open('limits: { failuresPerMinute: 3 }');
    for (let i = 0; i < 3; i += 1) login(rig, {}, { password: 'wrong' });
    assert.equal(answerTo(rig, request()), '');
    assert.equal(rig.kernel.counters.of('limits_dropped').value, 1);
    const neighbour = { ...PHONE, remote: { address: '198.51.100.8', port: 5062 } };
    assert.equal(statusOf(answerTo(rig, request(), neighbour)), 401);
    rig.advance(21_000);
    rig.take();
    assert.equal(statusOf(login(rig)), 200);
  });

  test('a spoofed datagram with a made-up nonce is no failure of whom it names, and says nothing of the password', async () => {
    const { rig } = await open('limits: { failuresPerMinute: 3 }');
    const elsewhere = { ...PHONE, remote: { address: '203.0.113.66', port: 5060 } };
    // Given to somebody else, and made up.
    const nonces = [quoted(answerTo(rig, request(), elsewhere), 'nonce'), '0'.repeat(69), 'made-up'];
    const masked = (text: string) =>
      text
        .replace(/nonce="[^"]*"/g, 'N')
        .replace(/branch=[^;\r]*/, 'B')
        .replace(/tag=[^;\r]*/g, 'T');
    const answers = new Map<number, Set<string>>([0, 1, 2].map((kind) => [kind, new Set<string>()]));
    for (let i = 0; i < 30; i += 1) {
      const challenge = `nonce="${nonces[i % 3]}"`;
      const user = i % 4 === 0 ? '4711' : '1001';
      const password = i % 5 === 0 ? 'secret-default' : `guess ${i}`;
      const answer = answerTo(rig, request({ fields: [credentials(challenge, {}, { user, password })] }));
      answers.get(i % 3)?.add(masked(answer));
    }
    for (const [kind, said] of answers) {
      assert.equal(said.size, 1, 'the same to a right password, a wrong one and an unknown user');
      const [answer = ''] = said;
      assert.match(answer, /^SIP\/2\.0 401 (?:.*\r\n)*WWW-Authenticate: /);
      assert.equal(answer.includes('stale=true'), kind === 0, 'only of a nonce that we gave');
    }
    assert.equal(statusOf(login(rig)), 200);
  });

  test('a phone whose address has changed is asked again, with stale=true, and is in', async () => {
    const { rig } = await open();
    const challenge = answerTo(rig, request());
    const moved = { ...PHONE, remote: { address: '203.0.113.66', port: 5060 } };
    const again = answerTo(rig, request({ fields: [credentials(challenge, {})] }), moved);
    assert.match(again, /^SIP\/2\.0 401 (?:.*\r\n)*WWW-Authenticate: .*stale=true/);
    assert.equal(statusOf(answerTo(rig, request({ fields: [credentials(again, {})] }), moved)), 200);
  });

  test('the first question is no failure: a phone that is asked and answers is never stopped', async () => {
    const { rig } = await open('limits: { failuresPerMinute: 1 }');
    for (let i = 0; i < 20; i += 1) assert.equal(statusOf(login(rig)), 200);
  });

  test('too many requests a second: 503 with Retry-After; trusted networks have no limit', async () => {
    const { rig } = await open('limits: { requestsPerSecond: 2 }');
    const statuses = Array.from({ length: 6 }, () => statusOf(answerTo(rig, request())));
    assert.deepEqual(statuses, [401, 401, 401, 401, 503, 503]);
    assert.match(answerTo(rig, request()), /^Retry-After: 2\r$/m);
    const trusted = await open('limits: { requestsPerSecond: 2 }\ntrusted: [198.51.100.7]');
    for (let i = 0; i < 20; i += 1) assert.equal(statusOf(answerTo(trusted.rig, request())), 200);
  });

  test('RFC 5031 an emergency call passes them, and guesses no password for it', async () => {
    const { rig, seen } = await open('limits: { failuresPerMinute: 2 }');
    for (let i = 0; i < 2; i += 1) login(rig, {}, { password: 'wrong' });
    const sos = { method: 'INVITE', uri: 'urn:service:sos' };
    assert.equal(statusOf(login(rig, sos)), 407);
    assert.deepEqual(seen, []);
  });
});
