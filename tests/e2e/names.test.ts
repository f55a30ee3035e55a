import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test } from 'node:test';
import { CONTROLS, displayOf, flaws, INJECTED, NAMES, octetsOf, quoted, textOf } from '../support/names.ts';
import { RawPhone } from '../support/raw-phone.ts';
import { freePort, mediaPorts, type RunningServer, startServer } from '../support/server.ts';
import { field } from '../support/texts.ts';

const DOMAIN = 'example.test';
const TRUSTED = '127.18.0.1';
const names = Object.entries(NAMES);
/** Extensions of those who are called so in the configuration. */
const extensionOf = (i: number): string => String(2001 + i);

suite('a name in every place that a person can type one', () => {
  let server: RunningServer;
  let port = 0;
  let bob: RawPhone;
  const phones: RawPhone[] = [];

  before(async () => {
    port = await freePort();
    server = await startServer(configOf(port, names));
    bob = await phone('1002');
    assert.match(await bob.register(), /^SIP\/2\.0 200 /);
  });
  after(async () => {
    for (const phone of phones) phone.close();
    await server.stop();
  });

  const phone = async (user: string, address = '127.0.0.1'): Promise<RawPhone> => {
    const own = await RawPhone.open({
      server: { address: '127.0.0.1', port },
      domain: DOMAIN,
      user,
      password: `secret-${user}`,
      address,
    });
    phones.push(own);
    return own;
  };
  /** A whole call; returns the INVITE that the callee got and what the caller got. */
  const callThrough = async (caller: RawPhone, parts = {}): Promise<{ invite: string; ok: string }> => {
    bob.received.length = 0;
    const answering = bob.answerCall();
    const call = await caller.call('1002', parts);
    const invite = await answering;
    await bob.expect('ACK', (text) => text.startsWith('ACK '));
    const ending = bob.expect('BYE', (text) => text.startsWith('BYE '));
    const ended = caller.hangUp(call, parts);
    bob.respond(await ending, '200 OK');
    assert.match(await ended, /^SIP\/2\.0 200 /);
    return { invite, ok: call.answer };
  };

  names.forEach(([what, name], i) => {
    test(`in the configuration, ${what}: the callee's phone shows it`, async () => {
      const caller = await phone(extensionOf(i));
      const { invite } = await callThrough(caller);
      assert.equal(displayOf(field(invite, 'From')), name);
    });

    test(`as the callee's name in the configuration, ${what}: the caller is answered in sound lines`, async () => {
      const bob = await phone(extensionOf(i));
      assert.match(await bob.register(), /^SIP\/2\.0 200 /);
      const answering = bob.answerCall();
      const caller = await phone('1001');
      const call = await caller.call(extensionOf(i));
      const invite = await answering;
      assert.equal(displayOf(field(invite, 'To')), name);
      const ending = bob.expect('BYE', (text) => text.startsWith('BYE '));
      const ended = caller.hangUp(call);
      bob.respond(await ending, '200 OK');
      await ended;
    });

    test(`as display name of From, from a trusted network, ${what}: the callee's phone shows it`, async () => {
      const trunk = await phone('+4930123', TRUSTED);
      const { invite } = await callThrough(trunk, {
        from: `${quoted(name)} <sip:+4930123@example.org>`,
      });
      assert.equal(displayOf(field(invite, 'From')), name);
    });

    test(`as display name of From, from a device, ${what}: it is called what the directory calls it`, async () => {
      const caller = await phone('1001');
      const { invite } = await callThrough(caller, { from: `${quoted(name)} <sip:1001@${DOMAIN}>` });
      assert.equal(displayOf(field(invite, 'From')), 'Alice');
    });

    test(`in Subject, User-Agent and fields nobody knows, ${what}: dropped or passed on as it is`, async () => {
      const caller = await phone('1001');
      const text = octetsOf(name);
      const more = `Subject: ${text}\r\nUser-Agent: x\r\nOrganization: ${text}\r\nX-Unknown: ${text}\r\n`;
      const { invite } = await callThrough(caller, { more });
      for (const passed of ['Subject', 'Organization', 'X-Unknown']) {
        assert.ok(['', text.replace(/^ +| +$/g, '')].includes(field(invite, passed)), passed);
      }
    });

    test(`as User-Agent and in Contact of a REGISTER, ${what}: the registrar says it back`, async () => {
      const own = await phone('1001');
      const contact = `${quoted(name)} <sip:1001@${own.at};x=${encodeURIComponent(name).replace(/[!'()*]/g, '_')}>;note=${quoted(name)}`;
      const said = await own.register({ contact, more: `User-Agent: ${octetsOf(name)}\r\n` });
      assert.match(said, /^SIP\/2\.0 200 /);
      assert.ok(field(said, 'Contact').includes(`note=${quoted(name)}`), said);
      assert.match(await own.register({ contact: '*' }, 0), /^SIP\/2\.0 200 /);
    });

    test(`as the reason phrase of a refusal, ${what}: dropped or passed on as it is`, async () => {
      const caller = await phone('1001');
      const answering = bob.answerCall(`486 ${octetsOf(name)}`);
      await assert.rejects(caller.call('1002'), /SIP\/2\.0 486 /);
      await answering;
      const refusal = caller.all.findLast((text) => text.startsWith('SIP/2.0 486 ')) ?? '';
      const phrase = textOf(refusal.slice(12, refusal.indexOf('\r\n')));
      assert.ok(['Busy Here', name].includes(phrase), phrase);
    });

    test(`as user and password of credentials, ${what}: a 401 like any other`, async () => {
      const stranger = await RawPhone.open({
        server: { address: '127.0.0.1', port },
        domain: DOMAIN,
        user: '1001',
        password: octetsOf(name),
      });
      phones.push(stranger);
      assert.match(await stranger.register(), /^SIP\/2\.0 401 /);
      const value = `Digest username=${quoted(name)}, realm="${DOMAIN}", nonce=${quoted(name)}, uri="sip:${DOMAIN}", response="0", algorithm=MD5`;
      assert.match(await stranger.ask('REGISTER', { more: `Authorization: ${value}\r\n` }), /^SIP\/2\.0 40[01] /);
    });

    test(`as session name of an SDP, ${what}: both sides read it as it is`, async () => {
      const caller = await phone('1001');
      const line = `s=${octetsOf(name)}\r\n`;
      const body = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n${line}c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 18998 RTP/AVP 0\r\n`;
      const { invite } = await callThrough(caller, { body });
      assert.ok(invite.includes(line), invite);
    });
  });

  test('in percent escapes of a user, CR LF and NUL stay escapes', async () => {
    const trunk = await phone('+4930123', TRUSTED);
    const from = `<sip:%0d%0a${INJECTED}%3a%20yes%00@example.org>`;
    const { invite } = await callThrough(trunk, { from });
    assert.match(field(invite, 'From').toLowerCase(), /<sip:%0d%0ax-injected(%3a|:)%20yes%00@/);
    const said = await trunk.ask('INVITE', { uri: `sip:%0d%0a${INJECTED}%00@${DOMAIN}` });
    assert.match(said, /^SIP\/2\.0 404 /);
  });

  test('a NUL in quotes (RFC 4475 §3.1.1.2) is passed on in quotes', async () => {
    const trunk = await phone('+4930123', TRUSTED);
    const { invite } = await callThrough(trunk, { from: '"A\\\0B" <sip:+4930123@example.org>' });
    assert.equal(displayOf(field(invite, 'From')), 'A\0B');
  });

  test('raw CR, LF and NUL within a field are refused and reach nobody', async () => {
    const trunk = await phone('+4930123', TRUSTED);
    bob.received.length = 0;
    for (const name of ['A\rB', 'A\nB', 'A\0B', `A\r${INJECTED}: yes`, `A\n${INJECTED}: yes`]) {
      for (const parts of [
        { from: `"${name}" <sip:x@example.org>` },
        { more: `Subject: ${name}\r\n` },
        { callId: `x${name}` },
      ]) {
        const before = trunk.all.length;
        trunk.send(trunk.request('INVITE', { uri: `sip:1002@${DOMAIN}`, ...parts }));
        await trunk.expect('400', (text) => text.startsWith('SIP/2.0 400 '));
        assert.deepEqual(trunk.all.slice(before).flatMap(flaws), []);
      }
    }
    assert.deepEqual(
      bob.received.filter((text) => text.startsWith('INVITE ')),
      [],
    );
  });

  test('all that anybody was sent is in sound lines of UTF-8', () => {
    const sent = phones.flatMap(({ all }) => all);
    assert.ok(sent.length > 500, `${sent.length} messages`);
    assert.deepEqual(
      sent.flatMap((text) => flaws(text).map((flaw) => `${flaw} in ${text}`)),
      [],
    );
  });

  test('each line of the log is one event', () => {
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    assert.ok(lines.length > 0);
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line);
    assert.deepEqual(
      server
        .output()
        .split(/[\r\n]/)
        .filter((line) => line.startsWith(INJECTED)),
      [],
    );
    assert.doesNotMatch(server.output(), /handler-threw/);
  });

  test('names stand in the store as they were typed, and calls in the record', () => {
    const database = new DatabaseSync(join(server.folder, 'strowger.db'), { readOnly: true });
    try {
      const stored = JSON.stringify(database.prepare('SELECT * FROM cdrs').all());
      assert.ok(stored.includes('+4930123'));
      const people = database
        .prepare('SELECT name FROM people')
        .all()
        .map(({ name }) => name);
      for (const [, name] of names) assert.ok(people.includes(name), name);
    } finally {
      database.close();
    }
  });
});

suite('a name that no line can hold', () => {
  for (const [what, name] of Object.entries(CONTROLS)) {
    test(`${what} in the configuration: refused, with its line, in one line`, async () => {
      const config = configOf(await freePort(), [['one', name]]);
      await assert.rejects(startServer(config), (error: Error) => {
        assert.match(error.message, /people\[0\]\.name/);
        assert.doesNotMatch(error.message, new RegExp(`[\r\n\u0085\u2028]${INJECTED}`));
        assert.doesNotMatch(error.message, /\u001b|\0/);
        return true;
      });
    });
  }
});

function configOf(port: number, people: readonly (readonly [string, string])[]): string {
  return JSON.stringify({
    domain: DOMAIN,
    listen: [`udp://127.0.0.1:${port}`],
    http: { listen: [] },
    media: { address: '127.0.0.1', ports: mediaPorts() },
    trusted: ['127.18.0.0/16'],
    log: { level: 'debug' },
    people: [
      ...people.map(([, name], i) => ({ name, extension: extensionOf(i), password: `secret-${extensionOf(i)}` })),
      { name: 'Alice', extension: '1001', password: 'secret-1001' },
      { name: 'Bob', extension: '1002', password: 'secret-1002' },
    ],
  });
}
