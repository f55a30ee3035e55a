/** No input takes more than time in proportion to its size: read twice at sizes eight times apart, with a wide margin. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import * as sip from './index.ts';
import { type HeaderDef, parseMessage, screenMessage } from './index.ts';

const EXPORTS: readonly unknown[] = Object.values(sip);
const DEFS = EXPORTS.filter(
  (v): v is HeaderDef<unknown> => typeof v === 'object' && v !== null && 'parse' in v && 'list' in v,
);
const WIDE = { maxHead: 1 << 24, maxFields: 1 << 17 };
const START = 'OPTIONS sip:a@b SIP/2.0\r\n';

const PIECES = [
  'a',
  ' ',
  ',',
  ';',
  '"',
  '\\',
  '<',
  '>',
  '(',
  '=',
  '%',
  ':',
  '@',
  '.',
  '\r\n ',
  ';a=b',
  ',<sip:a>',
  '"\\',
  '<sip:',
  'SIP/2.0/UDP a,',
  '\n',
  '\r',
  '\0',
  '1',
  'a ',
  '(a',
  '[:',
];

function work(text: string): void {
  const outcome = parseMessage(text as Octets, WIDE);
  if (outcome.kind !== 'message') return;
  screenMessage(outcome.message);
  for (const def of DEFS) {
    outcome.message.getAll(def);
    outcome.message.rawAll(def);
  }
}

function cost(text: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run += 1) {
    const from = performance.now();
    work(text);
    best = Math.min(best, performance.now() - from);
  }
  return best;
}

function assertLinear(make: (n: number) => string, name: string): void {
  const small = cost(make(4_000));
  const large = cost(make(32_000));
  // Eight times the input: linear is 8, quadratic 64. What takes no time to speak of is not measured.
  assert.ok(large < 15 || large < small * 40, `${name}: ${small.toFixed(2)} ms, then ${large.toFixed(2)} ms`);
}

suite('time in proportion to size', () => {
  test('RFC 3261 §7.3: one long value in every header, of everything that grammars trip over', () => {
    for (const { name } of DEFS) {
      for (const piece of PIECES) {
        assertLinear(
          (n) => `${START}${name}: <sip:a>${piece.repeat(n / piece.length)}\r\n\r\n`,
          `${name} ${JSON.stringify(piece)}`,
        );
      }
    }
  });

  test('RFC 3261 §7.3: many fields, with and without colons, known and unknown', () => {
    for (const line of ['X\r\n', 'x:\r\n', 'v: a\r\n', 'l: 0\r\n', 'X-Y\n', 'a: b\r\n c\r\n', '\r\r\n']) {
      assertLinear((n) => `${START}${line.repeat(n / line.length)}\r\n`, JSON.stringify(line));
      assertLinear((n) => `${START}${line.repeat(n / line.length)}`, `${JSON.stringify(line)} unfinished`);
    }
  });

  test('RFC 3261 §7.1: a long first line', () => {
    for (const piece of PIECES) {
      assertLinear((n) => `OPTIONS ${piece.repeat(n / piece.length)} SIP/2.0\r\nTo: x\r\n\r\n`, JSON.stringify(piece));
      assertLinear(
        (n) => `OPTIONS sip:${piece.repeat(n / piece.length)} SIP/2.0\r\nTo: x\r\n\r\n`,
        JSON.stringify(piece),
      );
    }
  });

  test('RFC 3261 §7: two megabytes and ten thousand fields are garbage by the bounds', () => {
    assert.equal(parseMessage(`${START}X: ${'a'.repeat(2_000_000)}\r\n\r\n` as Octets).kind, 'garbage');
    assert.equal(parseMessage(`${START}${'x: y\r\n'.repeat(10_000)}\r\n` as Octets).kind, 'garbage');
    assert.equal(parseMessage(`${START}${'x: y\r\n'.repeat(512)}\r\n` as Octets).kind, 'message');
    assert.equal(parseMessage(`${START}${'x: y\r\n'.repeat(513)}\r\n` as Octets).kind, 'garbage');
  });
});
