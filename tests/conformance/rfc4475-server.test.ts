import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { flaws } from '../support/names.ts';
import { RawPhone } from '../support/raw-phone.ts';
import { freePort, mediaPorts, type RunningServer, startServer } from '../support/server.ts';
import { exchangeOverTcp as overTcp } from '../support/tcp-exchange.ts';
import { RFC4475, type TortureRow } from './rfc4475.ts';

const ARCHIVE = new URL('../../../shared/rfc/torture/', import.meta.url);
const skip = existsSync(ARCHIVE) ? false : 'the RFC 4475 archive is not on this machine';

/** From where a request needs no credentials, and from where it does. */
const FROM = { trusted: '127.18', stranger: '127.19' } as const;

for (const transport of ['udp', 'tcp'] as const) {
  for (const who of ['trusted', 'stranger'] as const) {
    suite(`RFC 4475 into a running server, ${transport}, from a ${who} address`, { skip }, () => {
      let server: RunningServer;
      let port = 0;
      before(async () => {
        port = await freePort();
        server = await startServer(configOf(port));
      });
      after(async () => {
        assert.equal(await server.stop(), true, 'it ends in order');
      });

      const seen = new Set<string>();
      for (const row of registersLast(RFC4475)) {
        test(`RFC 4475 §${row.clause} ${row.file}: ${said(row)}`, async () => {
          const statuses = await (transport === 'udp' ? overUdp : overTcp)(
            distinct(row.file, seen),
            port,
            addressFor(who),
          );
          check(row, transport, who, statuses);
        });
      }

      test('RFC 4475: and still takes a call', async () => {
        await takesACall(port);
        assert.doesNotMatch(server.output(), /handler-threw|started again/);
      });
    });
  }
}

suite('RFC 4475 through a running server to a phone', { skip }, () => {
  test('the INVITEs that may ring a phone ring it, and what it is sent is sound', async () => {
    const port = await freePort();
    const server = await startServer(configOf(port));
    const at = { server: { address: '127.0.0.1', port }, domain: 'example.com' };
    const phone = await RawPhone.open({ ...at, user: 'user', password: 'secret-user' });
    try {
      assert.match(await phone.register(), /^SIP\/2\.0 200 /);
      const rung: string[] = [];
      for (const { file, server: allowed } of RFC4475) {
        const message = distinct(file, new Set());
        // To that phone, outside a dialog, and with an offer that can be read.
        if (
          !message.includes('INVITE sip:user@example.com SIP/2.0') ||
          allowed === 'drop' ||
          !allowed.includes(480) ||
          allowed.includes(415)
        )
          continue;
        const caller = await RawPhone.open({ ...at, user: 'torture', address: addressFor('trusted'), port: 5060 });
        caller.send(message);
        const busy = phone.answerCall('486 Busy Here');
        const said = await caller.expect(`answer to ${file}`, (text) => /^SIP\/2\.0 [2-6]/.test(text));
        caller.close();
        assert.match(said, /^SIP\/2\.0 486 /, file);
        await busy;
        rung.push(file);
      }
      assert.deepEqual(rung, ['longreq.dat', 'baddate.dat', 'sdp01.dat']);
      assert.deepEqual(phone.all.flatMap(flaws), []);
    } finally {
      phone.close();
      await server.stop();
    }
  });
});

function said({ server }: TortureRow): string {
  return server === 'drop' ? 'not a word' : `one of ${server.join(', ')}`;
}

/** What they register would be called by the INVITEs behind them, and ring for as long as nobody answers. */
function registersLast(rows: readonly TortureRow[]): readonly TortureRow[] {
  const registers = ({ server }: TortureRow): boolean =>
    server !== 'drop' && server.includes(200) && !server.includes(407);
  return [...rows.filter((row) => !registers(row)), ...rows.filter(registers)];
}

/** Broken framing ends a connection, whether or not an answer could be made of what was there. */
const UNFRAMED: ReadonlySet<string> = new Set([
  'clerr.dat',
  'ncl.dat',
  'mcl01.dat',
  'baddn.dat',
  'test.dat',
  // No Content-Length, which a stream needs (RFC 3261 §18.3).
  'inv2543.dat',
  // Its noise is on a stream a second message, and not a sound one.
  'dblreq.dat',
]);

function check(
  { file, server }: TortureRow,
  transport: 'udp' | 'tcp',
  who: 'trusted' | 'stranger',
  statuses: readonly number[],
): void {
  const finals = statuses.filter((status) => status >= 200);
  if (transport === 'tcp' && UNFRAMED.has(file) && finals.length === 0) return;
  if (server === 'drop') return assert.deepEqual(statuses, [], file);
  const allowed = [...server, ...(who === 'stranger' && server.some((status) => status !== 400) ? [401, 407] : [])];
  assert.ok(finals.length > 0, `${file} was not answered`);
  for (const status of finals) assert.ok(allowed.includes(status), `${file} was answered ${status}`);
}

const configOf = (port: number): string => `
domain: example.com
listen: [udp://127.0.0.1:${port}, tcp://127.0.0.1:${port}]
http: { listen: [] }
media: { address: 127.0.0.1, ports: ${mediaPorts()} }
trusted: [${FROM.trusted}.0.0/16]
people:
  - { name: User, extension: user, password: secret-user }
  - { name: Alice, extension: "1001", password: alice-secret-1 }
  - { name: Bob, extension: "1002", password: bob-secret-2 }
`;

/** An address for one message: late answers to the ones before go elsewhere. */
function addressFor(who: keyof typeof FROM): string {
  const byte = (): number => 1 + Math.floor(Math.random() * 253);
  return `${FROM[who]}.${byte()}.${byte()}`;
}

/** Two messages of the archive share sent-by, branch and method, which makes the second a retransmission of the first. */
function distinct(file: string, seen: Set<string>): Buffer {
  const text = readFileSync(new URL(file, ARCHIVE), 'latin1');
  const via = `${text.slice(0, text.indexOf(' '))} ${/^Via: *(.*)\r$/m.exec(text)?.[1] ?? ''}`;
  const again = seen.has(via);
  seen.add(via);
  return Buffer.from(again ? text.replace(/(;branch=z9hG4bK[\w.]*)/, `$1again${seen.size}`) : text, 'latin1');
}

/** The statuses of all that comes back, until an OPTIONS sent behind it has been answered. */
async function overUdp(message: Buffer, port: number, address: string): Promise<readonly number[]> {
  const server = { address: '127.0.0.1', port };
  // RFC 3261 §18.2.2: without rport the answer goes to the port of the Via, which is one of these.
  const phones = await Promise.all(
    [5060, 5050, 5070].map((own) =>
      RawPhone.open({ server, domain: 'example.com', user: 'torture', address, port: own }),
    ),
  );
  const [phone] = phones as [RawPhone];
  try {
    phone.send(message);
    await phone.ask('OPTIONS');
    // What came first to another of the sockets may be read after it, in the same turn.
    await setImmediate();
    return phones.flatMap(({ received }) => received.map((text) => Number(text.slice(8, 11))));
  } finally {
    for (const each of phones) each.close();
  }
}

async function takesACall(port: number): Promise<void> {
  const server = { address: '127.0.0.1', port };
  const phone = (user: string, password: string): Promise<RawPhone> =>
    RawPhone.open({ server, domain: 'example.com', user, password });
  const alice = await phone('1001', 'alice-secret-1');
  const bob = await phone('1002', 'bob-secret-2');
  try {
    for (const each of [alice, bob]) assert.match(await each.register(), /^SIP\/2\.0 200 /);
    const answering = bob.answerCall();
    const call = await alice.call('1002');
    await answering;
    await bob.expect('ACK', (text) => text.startsWith('ACK '));
    const ending = bob.expect('BYE', (text) => text.startsWith('BYE '));
    const ended = alice.hangUp(call);
    bob.respond(await ending, '200 OK');
    assert.match(await ended, /^SIP\/2\.0 200 /);
  } finally {
    alice.close();
    bob.close();
  }
}
