import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { RawPhone, type RequestParts } from '../support/raw-phone.ts';
import { freePort, mediaPorts, type RunningServer, startServer } from '../support/server.ts';
import { field } from '../support/texts.ts';

/**
 * What somebody without credentials is answered, by method. `outside` a dialog: only that they are to say who they are;
 * `inside`, with a To tag that nobody gave: that there is no such dialog. `none`: no answer at all.
 */
// biome-ignore format: one row a method
const STRANGERS: readonly { readonly method: string; readonly outside: number | 'none'; readonly inside: number | 'none'; readonly clause: string }[] = [
  { method: 'REGISTER', outside: 401, inside: 481, clause: 'RFC 3261 §22.2' },
  { method: 'INVITE', outside: 407, inside: 481, clause: 'RFC 3261 §22.3' },
  { method: 'MESSAGE', outside: 407, inside: 481, clause: 'RFC 3261 §22.3' },
  { method: 'OPTIONS', outside: 401, inside: 481, clause: 'RFC 3261 §22.2' },
  { method: 'SUBSCRIBE', outside: 401, inside: 481, clause: 'RFC 3261 §22.2' },
  { method: 'NOTIFY', outside: 401, inside: 481, clause: 'RFC 6665 §4.1.3' },
  { method: 'PUBLISH', outside: 401, inside: 481, clause: 'RFC 3903 §6' },
  { method: 'REFER', outside: 401, inside: 481, clause: 'RFC 3515 §2.4.2' },
  { method: 'INFO', outside: 401, inside: 481, clause: 'RFC 6086 §4.2.2' },
  { method: 'UPDATE', outside: 401, inside: 481, clause: 'RFC 3311 §5.2' },
  { method: 'PRACK', outside: 401, inside: 481, clause: 'RFC 3262 §3' },
  { method: 'BYE', outside: 401, inside: 481, clause: 'RFC 3261 §15.1.2' },
  { method: 'CANCEL', outside: 481, inside: 481, clause: 'RFC 3261 §9.2' },
  { method: 'ACK', outside: 'none', inside: 'none', clause: 'RFC 3261 §17' },
  { method: 'FLY', outside: 401, inside: 481, clause: 'RFC 3261 §8.2.1' },
  { method: 'x-!%*_+`\'~', outside: 401, inside: 481, clause: 'RFC 3261 §7.1' },
  { method: 'invite', outside: 401, inside: 481, clause: 'RFC 3261 §7.1: methods are case-sensitive' },
];

/** Credentials that prove nothing: each is answered with a challenge, or 400 where they cannot be read. */
const CREDENTIALS: readonly string[] = [
  'Digest',
  'Digest ,,,',
  'Basic dXNlcjpwYXNz',
  'Digest username="1001"',
  'Digest username="1001", realm="example.test", nonce="", uri="", response=""',
  'Digest username="1001", realm="example.test", nonce="x", uri="sip:example.test", response="00000000000000000000000000000000"',
  'Digest username="1001", realm="elsewhere.test", nonce="x", uri="sip:example.test", response="0", algorithm=MD5',
  'Digest username="1001", realm="example.test", nonce="x", uri="sip:example.test", response="0", algorithm=NONE, qop=auth, nc=00000001, cnonce="c"',
  'Digest username="1001", realm="example.test", nonce="x", uri="sip:example.test", response="0", qop=auth',
  'Digest username="1001", realm="example.test", nonce="x", uri="sip:example.test", response="0", qop=auth, nc=zzzzzzzz, cnonce="c"',
  'Digest username="nobody", realm="example.test", nonce="x", uri="sip:example.test", response="0"',
  'Digest username="',
  `Digest username="${'a'.repeat(10_000)}", realm="example.test", nonce="x", uri="u", response="r"`,
  `Digest ${'a=b, '.repeat(2_000)}c=d`,
];

suite('strangers', () => {
  let server: RunningServer;
  let phone: RawPhone;

  before(async () => {
    const port = await freePort();
    server = await startServer(`
domain: example.test
listen: [udp://127.0.0.1:${port}]
http: { listen: [] }
media: { address: 127.0.0.1, ports: ${mediaPorts()} }
limits: { failuresPerMinute: 1000, requestsPerSecond: 10000 }
people: [{ name: Alice, extension: "1001", password: alice-secret-1 }]
`);
    phone = await RawPhone.open({ server: { address: '127.0.0.1', port }, domain: 'example.test', user: '1001' });
  });
  after(async () => {
    phone.close();
    await server.stop();
  });

  /** The final status, or `none` when a later request is answered and this one was not. */
  const statusOf = async (method: string, parts: RequestParts): Promise<number | 'none'> => {
    if (method !== 'ACK') return Number((await phone.ask(method, parts)).slice(8, 11));
    phone.send(phone.request('ACK', parts));
    await phone.ask('OPTIONS');
    return phone.received.some((text) => field(text, 'CSeq').endsWith(' ACK')) ? 0 : 'none';
  };

  for (const { method, outside, inside, clause } of STRANGERS) {
    for (const uri of [
      'sip:example.test',
      'sip:1001@example.test',
      'sip:9999@example.test',
      'sip:1001@elsewhere.test',
      'tel:1001',
    ]) {
      test(`${clause}: ${method} to ${uri} from a stranger is answered ${outside}`, async () => {
        assert.equal(await statusOf(method, { uri }), outside);
      });
    }

    test(`RFC 3261 §12.2.2: ${method} within a dialog that is not is answered ${inside}`, async () => {
      const uri = 'sip:example.test';
      assert.equal(await statusOf(method, { uri, to: `<${uri}>;tag=nobody-gave-this` }), inside);
    });
  }

  for (const value of CREDENTIALS) {
    test(`RFC 7616 §3.4: credentials that prove nothing let nobody in: ${value.slice(0, 100)}`, async () => {
      for (const [method, name, challenge] of [
        ['REGISTER', 'Authorization', 401],
        ['INVITE', 'Proxy-Authorization', 407],
        ['OPTIONS', 'Authorization', 401],
      ] as const) {
        const status = await statusOf(method, { more: `${name}: ${value}\r\n` });
        assert.ok(status === challenge || status === 400 || status === 403, `${method}: ${status}`);
      }
    });
  }

  test('nothing of all that made a handler throw, left a transaction of a stranger in a call, or a binding', () => {
    assert.doesNotMatch(server.output(), /handler-threw/);
    assert.equal(server.health().calls, 0);
    assert.equal(server.health().bindings, 0);
  });
});
