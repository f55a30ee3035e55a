import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decode, encode, type Octets, octets, UnencodableText } from '@strowger/proto';
import {
  composeRequest,
  composeResponse,
  displayName,
  escapeUser,
  from,
  parseHeader,
  parseMessage,
  parseUri,
  quote,
  screenMessage,
  splice,
  subject,
  to,
  userText,
} from './index.ts';

/** U+010D U+010A is CR LF to whoever drops the high bytes; then quotes, escapes and UTF-8 of every length. */
const NAMES = [
  '\u010d\u010aVia: x',
  '"\\"',
  'a"b\\c',
  'Zoë',
  '日本',
  '😀 x',
  'a;tag=1',
  '<sip:x@y>',
  'a, b',
  '%41',
  '\u00a0\u0085',
  ' a ',
  'tab\tx',
  '',
];
const BREAKS = ['a\r\nVia: x', 'a\rb', 'a\nb', 'a\0b'];

function compose(o: { display?: Octets; user?: Octets; text?: Octets }) {
  const outcome = parseMessage(
    composeRequest({
      method: octets`INVITE`,
      uri: octets`sip:${o.user ?? octets`bob`}@example.test`,
      fields: [
        ['Via', octets`SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1`],
        ['Max-Forwards', octets`70`],
        ['From', octets`${o.display ?? octets`A`} <sip:${o.user ?? octets`alice`}@example.test>;tag=1`],
        ['To', octets`<sip:bob@example.test>`],
        ['Call-ID', octets`1`],
        ['CSeq', octets`1 INVITE`],
        ['Subject', o.text ?? octets``],
      ],
    }),
  );
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  assert.equal(screenMessage(outcome.message), undefined);
  assert.equal([...outcome.message.fields()].length, 8);
  return outcome.message;
}

suite('what people type, in every place they can', () => {
  for (const name of NAMES) {
    test(`RFC 3261 §25.1 ${JSON.stringify(name)}: no line injected, nothing mangled`, () => {
      const named = compose({ display: displayName(name) });
      assert.equal(decode(named.from.display ?? octets`-`), name);
      const again = parseHeader(from, from.format(named.from));
      assert.deepEqual(again, { ok: true, value: named.from });
      if (name !== '') {
        const { from: caller, uri } = compose({ user: escapeUser(name) });
        assert.equal(userText(caller.uri), name);
        assert.ok(uri.ok);
        assert.equal(userText(uri.value), name);
      }
      const titled = compose({ text: encode(name) });
      // White space at a value's ends is not part of it.
      assert.equal(decode(titled.get(subject) ?? octets`-`), name.replace(/^[ \t]+|[ \t]+$/g, ''));
      const answer = parseMessage(composeResponse(named, 404, { reason: encode(name), toTag: octets`2` }));
      assert.ok(answer.kind === 'message' && answer.message.kind === 'response');
      assert.equal(decode(answer.message.reason), name);
      assert.equal(answer.message.toTag, '2');
      const moved = parseMessage(
        splice(named, [{ op: 'replace', name: to, index: 0, value: octets`${quote(name)} <sip:x@y>` }]),
      );
      assert.ok(moved.kind === 'message');
      assert.equal(decode(moved.message.to.display ?? octets`-`), name);
      assert.equal([...moved.message.fields()].length, 8);
    });
  }

  for (const text of BREAKS) {
    test(`RFC 3261 §7.3.1 ${JSON.stringify(text)} is refused where a line is made of it, and escaped in a URI`, () => {
      assert.throws(() => displayName(text), UnencodableText);
      assert.throws(() => quote(text), UnencodableText);
      assert.throws(() => encode(text), UnencodableText);
      assert.equal(/[\r\n\0]/.test(escapeUser(text)), false);
      const uri = parseUri(octets`sip:${escapeUser(text)}@example.test`);
      assert.ok(uri.ok);
      assert.equal(userText(uri.value), text);
    });
  }
});
