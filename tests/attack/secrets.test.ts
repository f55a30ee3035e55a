/** After all that can be done to it, at the most talkative log: no secret lies about, and what is old opens nothing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request, sdp, unique } from './support/message.ts';
import { UdpPeer } from './support/peer.ts';
import { ALICE, BOB, credentials, DOMAIN, MALLORY, Phone } from './support/phone.ts';
import { honestCall, type Site, startSite } from './support/site.ts';

const ACCOUNTS = [ALICE, BOB, MALLORY];
const GUESS = 'a-guess-that-is-nearly-a-password';

/** A secret in every dress in which somebody may have written it down. */
function dresses(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return [text, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), encodeURIComponent(text)];
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

suite('attack: secrets', { timeout: 60_000 }, () => {
  let site: Site;
  let eve: UdpPeer;

  before(async () => {
    site = await startSite({
      config: { log: { level: 'trace' }, auth: { algorithms: ['SHA-256', 'MD5', 'SHA-512-256'] } },
    });
    eve = await UdpPeer.at('127.0.0.4', site.port);
  });

  after(async () => {
    eve.close();
    await site.stop();
  });

  test('a nonce and its credentials of the boot before: stale, by whomever, and a new one is asked for', async () => {
    const uri = `sip:${DOMAIN}`;
    const phone = new Phone(await UdpPeer.at('127.0.0.2', site.port), ALICE);
    assert.equal((await phone.register()).status, 200);
    const parts = { ...phone.parts({ method: 'REGISTER', uri, to: `<${phone.aor}>` }), callId: unique('c'), cseq: 1 };
    const asked = await phone.tell(parts);
    const used = credentials(asked, ALICE, parts);
    const unused = credentials(asked, ALICE, { ...parts, nc: 7 });
    assert.equal((await phone.tell({ ...parts, cseq: 2, fields: [used] })).status, 200);
    const { signalling } = site.server.pids();
    process.kill(signalling, 'SIGKILL');
    const end = performance.now() + 10_000;
    while (performance.now() < end && (site.server.output().match(/"event":"ready"/g)?.length ?? 0) < 3)
      await sleep(50);
    for (const proof of [used, unused]) {
      const answer = await phone.tell({ ...parts, callId: unique('c'), cseq: 3, fields: [proof] });
      assert.deepEqual([answer.status, answer.text.includes('stale=true')], [401, true]);
    }
    assert.equal((await phone.register({ contact: '*', expires: 0 })).status, 200);
    phone.peer.close();
  });

  test('no password, no HA1, no guess, in no file and no line of the log', async () => {
    for (const account of ACCOUNTS) {
      for (const method of ['REGISTER', 'INVITE', 'OPTIONS']) {
        const uri = method === 'REGISTER' ? `sip:${DOMAIN}` : `sip:${BOB.user}@${DOMAIN}`;
        const from = `<sip:${account.user}@${DOMAIN}>;tag=${unique('f')}`;
        const callId = unique('c');
        const fields = [`Contact: <sip:e@${eve.sentBy}>`];
        const body = method === 'INVITE' ? sdp('127.0.0.4', 9) : '';
        const parts = { method, uri, from, to: `<${uri}>`, sentBy: eve.sentBy, callId, fields, body };
        eve.send(request(parts));
        const asked = await eve.final(callId, `1 ${method}`);
        const wrong = credentials(asked, { user: account.user, password: GUESS }, parts);
        const right = credentials(asked, account, parts);
        for (const [i, proof] of [wrong, right, `${right}, x="`, right.replace('Digest', 'Basic')].entries()) {
          eve.send(request({ ...parts, cseq: 2 + i, fields: [...fields, proof] }));
          await eve.next('answer', (m) => m.header('CSeq') === `${2 + i} ${method}`);
        }
      }
    }
    await honestCall(site.port);
    await site.health();
    const secrets = ACCOUNTS.flatMap(({ user, password }) => [
      ...dresses(password),
      ...(['md5', 'sha256', 'sha512-256'] as const).map((name) =>
        createHash(name).update(`${user}:${DOMAIN}:${password}`).digest('hex'),
      ),
    ]);
    const haystacks: (readonly [string, string])[] = filesIn(site.server.folder).map((file) => [
      file,
      readFileSync(file, 'latin1'),
    ]);
    haystacks.push(['the log', site.server.output()]);
    // It is the right hay: people are in it.
    assert.ok(haystacks.some(([, text]) => text.includes('Mallory')));
    for (const [where, text] of haystacks) {
      for (const secret of [...secrets, ...dresses(GUESS)]) {
        assert.equal(text.toLowerCase().includes(secret.toLowerCase()), false, `${secret} in ${where}`);
      }
      assert.equal(/response="[0-9a-f]{32}/.test(text), false, `a digest in ${where}`);
    }
  });

  test('what lies in the data folder is for its owner alone, the door to the media process too', () => {
    assert.equal(lstatSync(site.server.folder).mode & 0o077, 0);
    for (const name of ['keys', 'run', 'journal']) {
      assert.equal(lstatSync(join(site.server.folder, name)).mode & 0o077, 0, name);
    }
    for (const file of filesIn(join(site.server.folder, 'keys'))) assert.equal(lstatSync(file).mode & 0o077, 0, file);
  });
});
