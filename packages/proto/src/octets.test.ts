import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  assumeOctets,
  CRLF,
  decode,
  EMPTY,
  encode,
  encodeBody,
  equalsIgnoreCase,
  fromBytes,
  join,
  lowerAscii,
  type Octets,
  octets,
  own,
  slice,
  toBytes,
  trimLws,
  UnencodableText,
} from './index.ts';

const raw = (text: string) => text as Octets;

suite('octets', () => {
  test('UTF-8 of every length goes in and comes back', () => {
    const samples: readonly (readonly [text: string, wire: string])[] = [
      ['', ''],
      ['plain\ttext ~', 'plain\ttext ~'],
      ['\x7f', '\x7f'],
      ['é', '\xc3\xa9'],
      ['čĊ', '\xc4\x8d\xc4\x8a'],
      ['߿', '\xdf\xbf'],
      ['ࠀ', '\xe0\xa0\x80'],
      ['€', '\xe2\x82\xac'],
      ['\uffff', '\xef\xbf\xbf'],
      ['𐀀', '\xf0\x90\x80\x80'],
      ['☎️📞', '\xe2\x98\x8e\xef\xb8\x8f\xf0\x9f\x93\x9e'],
      ['\u{10ffff}', '\xf4\x8f\xbf\xbf'],
    ];
    for (const [text, wire] of samples) {
      assert.equal(encode(text), wire);
      assert.equal(encodeBody(text), wire);
      assert.equal(decode(raw(wire)), text);
    }
  });

  test('a line break cannot be injected: CR, LF and NUL are refused, and no other character turns into one', () => {
    for (const text of ['a\rb', 'a\nb', 'a\0b', '\r\nVia: x', 'é\n']) {
      assert.throws(
        () => encode(text),
        (e: UnencodableText) => e instanceof UnencodableText && e.code === 'TEXT_UNENCODABLE',
      );
    }
    // U+010D U+010A cut to their low bytes would be CR LF; so would U+560D U+560A.
    for (const text of ['\u010d\u010a', '\u560d\u560a', '\uff0d\uff0a', '\u2028\u2029\u0085']) {
      assert.doesNotMatch(encode(text), /[\r\n\0]/);
    }
    for (let code = 1; code < 0x1_0000; code += 1) {
      if (code === 0x0a || code === 0x0d) continue;
      if (/[\r\n\0]/.test(encode(String.fromCharCode(code)))) assert.fail(`U+${code.toString(16)}`);
    }
  });

  test('a body may hold line breaks', () => {
    assert.equal(encodeBody('v=0\r\ns=é\r\n'), 'v=0\r\ns=\xc3\xa9\r\n');
  });

  test('lone surrogates and octets that are not UTF-8 become U+FFFD, and nothing throws', () => {
    assert.equal(encode('a\ud83d'), 'a\xef\xbf\xbd');
    assert.equal(decode(raw('caf\xe9')), 'caf\ufffd');
    assert.equal(decode(raw('\xc0\x8d')), '\ufffd\ufffd');
  });

  test('bytes to octets and back: all values, and longer than one chunk', () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff);
    const text = fromBytes(bytes);
    assert.equal(text.length, 70_000);
    assert.deepEqual(toBytes(text), bytes);
    assert.equal(fromBytes(new Uint8Array(0)), EMPTY);
  });

  test('assumeOctets keeps its promise', () => {
    assert.equal(assumeOctets('\xff\x00'), '\xff\x00');
    assert.throws(() => assumeOctets('\u0100'), TypeError);
  });

  test('the template joins literals, octets and numbers', () => {
    const method = raw('INVITE');
    assert.equal(octets`CSeq: ${314159} ${method}${CRLF}`, 'CSeq: 314159 INVITE\r\n');
    assert.equal(join([raw('a'), raw('b')], raw(', ')), 'a, b');
    assert.equal(slice(raw('abcdef'), 2, 4), 'cd');
  });

  test('case: only A to Z fold, never the octets of a UTF-8 character', () => {
    assert.equal(lowerAscii(raw('Call-ID')), 'call-id');
    // É is C3 89: a Unicode toLowerCase would make it E3 89.
    assert.equal(lowerAscii(encode('CAFÉ')), 'caf\xc3\x89');
    assert.ok(equalsIgnoreCase(raw('CSeq'), raw('cSEQ')));
    assert.ok(!equalsIgnoreCase(raw('\xc0'), raw('\xe0')));
    assert.ok(!equalsIgnoreCase(raw('K'), raw('\xe2\x84\xaa')));
    assert.ok(!equalsIgnoreCase(raw('a'), raw('ab')));
  });

  test('space: SP, HT and folds go, U+00A0 as the half of a character stays', () => {
    assert.equal(trimLws(raw(' \t\r\n a b \r\n\t')), 'a b');
    assert.equal(trimLws(encode('à')), '\xc3\xa0');
    assert.equal(trimLws(raw('\xa0\x85')), '\xa0\x85');
    assert.equal(trimLws(raw(' \t ')), '');
    assert.equal(trimLws(EMPTY), '');
  });

  test('own gives an equal text, for every length around the limit of slices', () => {
    const datagram = fromBytes(Uint8Array.from({ length: 500 }, (_, i) => i & 0xff));
    for (let length = 0; length < 40; length += 1) {
      assert.equal(own(slice(datagram, 200, 200 + length)), datagram.slice(200, 200 + length));
    }
  });

  test('own lets the datagram go: a heap of values does not keep a heap of messages', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const bytes = new Uint8Array(64 * 1024).fill(0x61);
    gc();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 400 }, () => own(slice(fromBytes(bytes), 100, 146)));
    gc();
    const grown = process.memoryUsage().heapUsed - before;
    assert.equal(kept.length, 400);
    assert.ok(grown < 4 * 2 ** 20, `${grown} bytes for 400 values of 46 octets; their messages were 26 MB`);
  });
});
