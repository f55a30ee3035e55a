import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Octets, octets } from '@strowger/proto';
import fc from 'fast-check';
import { contact, type Edit, maxForwards, parseMessage, recordRoute, route, splice, via, withTopVia } from './index.ts';

const TEXT = [
  'INVITE sip:bob@example.test SIP/2.0',
  'v: SIP/2.0/UDP one.test;branch=z9hG4bK1 , SIP/2.0/TCP "a,b"',
  'Route: <sip:p1.test;lr>,\r\n <sip:p2.test;lr>',
  'X-Odd  :  keep,  me ',
  'MAX-FORWARDS: 70',
  'ROUTE: <sip:p3.test;lr>',
  'x-odd: again',
  'Contact: <sip:a@b>',
  'l: 3',
  '',
  'abc',
].join('\r\n') as Octets;

function parse(text: Octets) {
  const outcome = parseMessage(text);
  assert.ok(outcome.kind === 'message');
  return outcome.message;
}
const spliced = (edits: readonly Edit[]) => splice(parse(TEXT), edits);
const changed = (from: string, to: string) => TEXT.replace(from, to);

suite('splicing', () => {
  test('RFC 3261 §16.6: a proxy’s four edits touch four lines, the rest goes octet for octet', () => {
    const out = spliced([
      { op: 'prepend', name: via, value: octets`SIP/2.0/UDP me` },
      { op: 'replace', name: maxForwards, index: 0, value: octets`69` },
      { op: 'prepend', name: recordRoute, value: octets`<sip:me;lr>` },
      { op: 'delete', name: route, index: 0 },
    ]);
    const want = TEXT.replace('v: ', 'Via: SIP/2.0/UDP me\r\nv: ')
      .replace('Route: <sip:p1.test;lr>,\r\n <sip:p2.test;lr>', 'Record-Route: <sip:me;lr>\r\nRoute: <sip:p2.test;lr>')
      .replace('70', '69');
    assert.equal(out, want);
  });

  test('RFC 3261 §7.3.1: several values share a line', () => {
    assert.equal(spliced([{ op: 'delete', name: route, index: 1 }]), changed(',\r\n <sip:p2.test;lr>', ''));
    assert.equal(spliced([{ op: 'delete', name: 'route', index: 2 }]), changed('ROUTE: <sip:p3.test;lr>\r\n', ''));
    const both: Edit[] = [0, 1].map((index) => ({ op: 'delete', name: route, index }));
    assert.equal(spliced(both), changed('Route: <sip:p1.test;lr>,\r\n <sip:p2.test;lr>\r\n', ''));
    assert.equal(
      spliced([{ op: 'replace', name: route, index: 1, value: octets`<sip:z>` }]),
      changed('\r\n <sip:p2.test;lr>', ' <sip:z>'),
    );
  });

  test('RFC 3261 §7.3.1: fields we do not know are edited by line and by name', () => {
    assert.equal(spliced([{ op: 'delete', name: 'X-ODD', index: 0 }]), changed('X-Odd  :  keep,  me \r\n', ''));
    assert.equal(
      spliced([{ op: 'remove', name: 'x-odd' }]),
      changed('X-Odd  :  keep,  me \r\n', '').replace('x-odd: again\r\n', ''),
    );
    assert.equal(spliced([{ op: 'replace', name: 'x-odd', index: 1, value: octets`n` }]), changed('again', 'n'));
  });

  test('RFC 3261 §16.6: later prepends stand above earlier ones; top and end are the edges of the head', () => {
    const out = spliced([
      { op: 'prepend', name: contact, value: octets`<sip:1>` },
      { op: 'prepend', name: contact, value: octets`<sip:2>` },
      { op: 'insert', at: 'top', name: 'T', value: octets`1` },
      { op: 'insert', at: 'end', name: 'E', value: octets`1` },
      { op: 'insert', at: 'end', name: 'E', value: octets`2` },
      { op: 'start', line: octets`INVITE sip:x SIP/2.0` },
    ]);
    assert.deepEqual(
      [...parse(out).fields()].map(({ name, value }) => `${name}:${value}`).filter((f) => /^[CTE]/.test(f)),
      ['T:1', 'Contact:<sip:2>', 'Contact:<sip:1>', 'Contact:<sip:a@b>', 'E:1', 'E:2'],
    );
    assert.ok(out.startsWith('INVITE sip:x SIP/2.0\r\nT: 1\r\nv: '));
  });

  test('RFC 3261 §20.14: a new body brings its length and type', () => {
    const out = parse(spliced([{ op: 'body', body: octets`v=0`, contentType: octets`application/sdp` }]));
    assert.deepEqual([out.body, out.raw('l'), out.raw('c')], ['v=0', '3', 'application/sdp']);
    const none = parse(splice(out, [{ op: 'body', body: octets`` }]));
    assert.deepEqual([none.body, none.raw('l'), none.has('c')], ['', '0', false]);
    const bare = splice(parse(octets`INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\nbody`), []);
    assert.equal(bare, 'INVITE sip:a SIP/2.0\r\nTo: x\r\nContent-Length: 4\r\n\r\nbody');
  });

  test('RFC 3261 §18.1.1: the top Via is written last', () => {
    assert.equal(withTopVia(TEXT, octets`SIP/2.0/UDP me`), TEXT.replace('\r\n', '\r\nVia: SIP/2.0/UDP me\r\n'));
  });

  test('RFC 3261 §16.6: whatever values are edited, the others are what they were', () => {
    const value = fc.constantFrom('<sip:1>', '"a,b" <sip:2;x=y>', '<sip:3,4>').map((s) => s as Octets);
    const line = fc.array(value, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(9), fc.option(value)), { maxLength: 5 }),
        (lines, changes) => {
          const head = lines.map((l) => `Route: ${l.join(' ,\t')}\r\nU: x\r\n`).join('');
          const message = parse(`INVITE sip:a SIP/2.0\r\n${head}l: 0\r\n\r\n` as Octets);
          const want: (Octets | null)[] = [...lines.flat()];
          const edits = changes.map(([index, to]): Edit => {
            if (index < want.length) want[index] = to;
            return to === null
              ? { op: 'delete', name: route, index }
              : { op: 'replace', name: route, index, value: to };
          });
          const out = parse(splice(message, edits));
          assert.deepEqual(
            out.rawAll(route),
            want.filter((v) => v !== null),
          );
          assert.equal(out.rawAll('U').length, lines.length);
        },
      ),
    );
  });
});
