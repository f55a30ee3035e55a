/** A wrong password keeps a phone out, the right one lets it in, and neither stands anywhere that one could read it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Phone } from './support/baresip.ts';
import { call, hangUp, PEOPLE, startPair, TCP, UDP } from './support/pair.ts';
import { peer } from './support/peers.ts';
import { stopPrograms } from './support/program.ts';
import { DOMAIN, Server } from './support/server.ts';

const WRONG = 'this-is-not-the-password';

suite('passwords of baresip', { skip: peer('baresip').skip, timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-phones-'));
  let server: Server;

  before(async () => {
    // Everything that can be logged.
    server = await Server.start({ people: PEOPLE, config: { log: { level: 'trace' } } });
  });

  after(async () => {
    await stopPrograms();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('RFC 3261 §22 a wrong password is refused, and the right one taken right afterwards', async () => {
    const place = { folder, user: '1001', domain: DOMAIN, server: { ...UDP, port: server.port }, tone: 440 };
    const stranger = await Phone.start({ ...place, password: WRONG });
    assert.match(await stranger.registration(), /401|403|authentication|forbidden/i);
    await server.healthy('nobody is registered', ({ bindings }) => bindings === 0, 3_000);
    await stranger.stop();

    const pair = await startPair(server, folder, 0, [UDP, TCP]);
    await server.healthy('both are registered', ({ bindings }) => bindings === 2, 3_000);
    await call(pair);
    await sleep(500);
    await hangUp(pair, 'caller');
    assert.equal((await server.cdr('1001', '1002')).outcome, 'answered');
  });

  test('no password stands in what the server prints or keeps', async () => {
    const secrets = [WRONG, ...PEOPLE.map(({ password }) => password)];
    const files = filesUnder(server.data);
    assert.ok(files.some((file) => file.endsWith('strowger.db')) && files.some((file) => file.includes('journal')));
    const places = files.map((file) => [file, readFileSync(file)] as const);
    for (const [place, text] of [...places, ['standard output', Buffer.from(server.program.output)] as const]) {
      for (const secret of secrets) {
        for (const form of [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), hex(secret)]) {
          assert.ok(!text.includes(form), `${place} has the password ${secret}`);
        }
      }
    }
  });
});

const hex = (text: string): string => Buffer.from(text).toString('hex');

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
