import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { decode, fromBytes, type Octets } from '@strowger/proto';
import {
  composeResponse,
  contact,
  parseMessage,
  screenMessage,
  splice,
  supported,
  userText,
} from '@strowger/sip/message';
import { RFC4475 } from './rfc4475.ts';

const ARCHIVE = new URL('../../../shared/rfc/torture/', import.meta.url);
const skip = existsSync(ARCHIVE) ? false : 'the RFC 4475 archive is not on this machine';

const read = (file: string): Octets => fromBytes(readFileSync(new URL(file, ARCHIVE)));

function message(file: string) {
  const outcome = parseMessage(read(file));
  assert.equal(outcome.kind, 'message');
  assert.ok(outcome.kind === 'message');
  return outcome.message;
}

suite('RFC 4475 through parser and screening', { skip }, () => {
  test('RFC 4475: the table has every file of the archive once', () => {
    assert.deepEqual(RFC4475.map((row) => row.file).sort(), readdirSync(ARCHIVE).sort());
    assert.equal(RFC4475.length, 50);
  });

  for (const { file, clause, kind, screen, note } of RFC4475) {
    test(`RFC 4475 §${clause} ${file}: ${note}`, () => {
      const outcome = parseMessage(read(file));
      if (outcome.kind !== 'message') {
        assert.equal(outcome.kind, 'garbage');
        assert.equal(screen, 'drop');
        return;
      }
      const found = outcome.message;
      assert.equal(found.kind, kind);
      const verdict = screenMessage(found);
      if (verdict?.drop) assert.equal(screen, 'drop');
      else assert.deepEqual(verdict ? { status: verdict.status, code: verdict.code } : 'accept', screen);
      if (verdict !== undefined && found.kind === 'request') {
        const answer = parseMessage(composeResponse(found, verdict.status));
        assert.equal(answer.kind, 'message');
      }
      // Forwarding without edits keeps every octet but for a Content-Length that was missing.
      if (found.has('Content-Length')) assert.equal(splice(found, []), found.text);
    });
  }

  test('RFC 4475 §3.1.1.1 wsinv.dat: the values behind the white space', () => {
    const wsinv = message('wsinv.dat');
    assert.equal(wsinv.toTag, '1918181833n');
    assert.equal(wsinv.fromTag, '98asjd8');
    assert.equal(wsinv.from.display, 'J Rosenberg \\"');
    assert.deepEqual(wsinv.cseq, { seq: 9, method: 'INVITE' });
    assert.equal(wsinv.raw('Max-Forwards'), '0068');
    assert.equal(wsinv.raw('Subject'), '');
    assert.deepEqual(
      wsinv.rawAll('Via').map((v) => v.replace(/\s+/g, '')),
      [
        'SIP/2.0/UDP192.0.2.2;branch=390skdjuw',
        'SIP/2.0/TCPspindle.example.com;branch=z9hG4bK9ikj8',
        'SIP/2.0/UDP192.168.255.111;branch=z9hG4bK30239',
      ],
    );
    assert.equal(wsinv.raw('UnknownHeaderWithUnusualValue'), ';;,,;;,;');
    assert.equal(wsinv.body.length, 150);
  });

  test('RFC 4475 §3.1.1.2 intmeth.dat: quoted controls and UTF-8 come out as they are', () => {
    const intmeth = message('intmeth.dat');
    assert.equal(intmeth.to.display, 'BEL:\x07 NUL:\x00 DEL:\x7f');
    assert.equal(intmeth.from.display, "token1~` token2'+_ token3*%!.-");
    assert.equal(decode(intmeth.raw("extensionHeader-!.%*+_`'~") ?? ('' as Octets)).endsWith('大停電'), true);
  });

  test('RFC 4475 §3.1.1.4, §3.1.1.5, §3.1.1.9: escapes', () => {
    const nulls = message('escnull.dat').getAll(contact);
    assert.deepEqual(
      nulls.map((c) => c !== '*' && userText(c.uri)),
      ['\0', '\0\0'],
    );
    assert.equal(message('esc02.dat').getAll(contact).length, 2);
    const semiuri = message('semiuri.dat');
    assert.ok(semiuri.kind === 'request' && semiuri.uri.ok);
    assert.equal(userText(semiuri.uri.value), 'user;par=u@example.net');
  });

  test('RFC 4475 §3.1.1.8 dblreq.dat: the noise is not part of the message', () => {
    const dblreq = message('dblreq.dat');
    assert.equal(dblreq.body, '');
    assert.equal(dblreq.text.includes('INVITE'), false);
    assert.deepEqual(dblreq.getAll(supported), []);
  });

  test('RFC 4475 §3.3.12–14: whose parameter it is', () => {
    const [one] = message('cparam01.dat').getAll(contact);
    const [two] = message('cparam02.dat').getAll(contact);
    const [three] = message('regescrt.dat').getAll(contact);
    assert.ok(one !== '*' && one?.uri.kind === 'sip' && two !== '*' && two?.uri.kind === 'sip');
    assert.deepEqual(
      [one.params.length, one.uri.params.length, two.params.length, two.uri.params.length],
      [1, 0, 0, 1],
    );
    assert.ok(three !== '*' && three?.uri.kind === 'sip');
    assert.equal(three.uri.headers, 'Route=%3Csip:sip.example.com%3E');
  });
});
