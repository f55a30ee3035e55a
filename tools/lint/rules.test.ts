import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { codeFindings } from './error-codes.ts';
import { anatomyFindings, CHAPTERS, lengthFindings, lockFindings } from './rules.ts';
import { readSource } from './source.ts';
import { wordFindings } from './words.ts';

/** Rules that find something in `text`, as a file at `path`. */
const rules = (path: string, text: string) => wordFindings(readSource(path, text)).map(({ rule }) => rule);

const SIP = 'packages/sip/src/message/x.ts';
const KERNEL = 'server/src/kernel/x.ts';
const TEST = 'packages/sip/src/message/x.test.ts';

/** A rule, a file that breaks it, and one that looks alike and does not. */
const CASES: readonly (readonly [rule: string, path: string, breaks: string, keeps: string])[] = [
  ['octets-trim', SIP, 'a.trim()', 'trimLws(a)'],
  ['octets-trim', 'packages/sdp/src/x.ts', 'a.trimEnd()', '// a.trimEnd()'],
  ['octets-case', SIP, 'a.toLowerCase()', 'lowerAscii(a)'],
  ['octets-case', SIP, 'a.toLocaleUpperCase()', "'a.toUpperCase()'"],
  ['octets-space', SIP, 'x = /a\\s*b/', 'x = /a[ \\t]*b/'],
  ['octets-decoder', SIP, "new TextDecoder('latin1')", 'decode(a)'],
  ['pure-time', SIP, 'const t = Date.now();', 'const t = input.now;'],
  ['pure-time', 'packages/testkit/src/x.ts', 'Math.random()', 'random.fill(a)'],
  ['pure-time', 'packages/proto/src/x.ts', 'setTimeout(f, 1)', 'stopTimeout(f, 1)'],
  ['pure-time', SIP, 'new Date()', 'new Date(now)'],
  ['pure-async', SIP, 'async function f() {}', 'interface H { bind(): Promise<number> }'],
  ['pure-async', SIP, 'const f = async (x) => x', "const async = 'x'"],
  ['pure-async', SIP, 'await x', 'x.awaited'],
  ['server-ambient', KERNEL, 'setInterval(f, 1)', 'context.every(f, 1)'],
  ['server-ambient', 'server/src/modules/auth/x.ts', 'randomBytes(4)', 'context.random.fill(a)'],
  ['server-io', KERNEL, "import fs from 'node:fs';", "import { createHash } from 'node:crypto';"],
  ['server-io', 'server/src/modules/cdr/x.ts', "import 'node:fs/promises';", "const x = 'see node:fs';"],
  ['test-only', TEST, "test.only('x', f)", "test('only', f)"],
  ['test-only', TEST, "test('x', { only: true }, f)", "test('x', { concurrency: true }, f)"],
  ['test-skip', TEST, "test.skip('x', f)", "test('x', { skip: 'no IPv6 here' }, f)"],
  ['test-skip', TEST, "test('x', { todo: true }, f)", "test('x', { skip: peer.skip }, f)"],
  ['test-commented-out', TEST, "// test('x', () => {", "// the test ('x') was here"],
  ['test-sleep', TEST, 'setTimeout(f, 10)', 'clock.advance(10)'],
  ['test-sleep', TEST, "import { setTimeout as pause } from 'node:timers/promises';", 'clock.advance(10)'],
  ['todo-issue', KERNEL, '// TODO: later', '// TODO #12: later'],
  ['silenced-types', KERNEL, '// @ts-ignore', '// @ts-expect-error the DOM has no such thing'],
];

suite('house rules', () => {
  for (const [rule, path, breaks, keeps] of CASES) {
    test(`${rule}: \`${breaks}\` is found, \`${keeps}\` is not`, () => {
      assert.ok(rules(path, breaks).includes(rule));
      assert.ok(!rules(path, keeps).includes(rule));
    });
  }

  test('each rule keeps to its folders', () => {
    assert.deepEqual(rules('server/src/config/x.ts', 'a.trim(); Date.now(); await f();'), []);
    assert.deepEqual(rules('packages/sip/src/endpoint/x.ts', 'await f()'), []);
    assert.deepEqual(rules('tests/e2e/x.test.ts', 'setTimeout(f, 1)'), []);
  });

  test('an exception is argued on its line or the one above; without a reason it is none', () => {
    assert.deepEqual(rules(KERNEL, '// lint-allow server-ambient: the one place where time enters\nDate.now()'), []);
    assert.deepEqual(rules(KERNEL, 'Date.now() // lint-allow server-ambient: the one place where time enters'), []);
    assert.deepEqual(rules(KERNEL, '// lint-allow server-ambient:\nDate.now()'), ['server-ambient']);
    assert.deepEqual(rules(KERNEL, '// lint-allow server-io: the wrong rule entirely\nDate.now()'), ['server-ambient']);
  });

  test('findings carry path, line and what to do instead', () => {
    const [finding] = wordFindings(readSource(SIP, 'a;\nb.trim();'));
    assert.equal(finding?.line, 2);
    assert.match(finding?.message ?? '', /trimLws/);
  });
});

suite('rules about whole files', () => {
  test('file-length: past 400 lines, tests and tables excepted', () => {
    const long = 'x;\n'.repeat(401);
    assert.equal(lengthFindings(readSource('server/src/x.ts', long)).length, 1);
    assert.equal(lengthFindings(readSource('server/src/x.ts', 'x;\n'.repeat(400))).length, 0);
    assert.equal(lengthFindings(readSource('server/src/x.test.ts', long)).length, 0);
    assert.equal(lengthFindings(readSource('packages/sip/src/registry/x.ts', long)).length, 0);
  });

  test('module-anatomy: module.ts and a README with its seven chapters in order', () => {
    const readme = `# x\n\n${CHAPTERS.map((chapter) => `## ${chapter}\n\ntext\n`).join('\n')}`;
    assert.deepEqual(anatomyFindings('m', true, readme), []);
    assert.equal(anatomyFindings('m', false, readme).length, 1);
    assert.equal(anatomyFindings('m', true, undefined).length, 1);
    assert.equal(anatomyFindings('m', true, readme.replace('## Limits', '## Bounds')).length, 1);
  });

  test('lock-host: no registry in package-lock.json', () => {
    const lock = { packages: { 'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example/a.tgz' } } };
    assert.match(lockFindings(JSON.stringify(lock, null, 1))[0]?.message ?? '', /registry\.example/);
  });

  test('lock-complete: every optional package of every platform has an entry', () => {
    const a = { version: '1.0.0', optionalDependencies: { 'a-darwin-arm64': '1.0.0' } };
    assert.equal(lockFindings(JSON.stringify({ packages: { 'node_modules/a': a } }))[0]?.rule, 'lock-complete');
    const both = { 'node_modules/a': a, 'node_modules/a-darwin-arm64': { version: '1.0.0', optional: true } };
    assert.deepEqual(lockFindings(JSON.stringify({ packages: both })), []);
  });

  test('error-codes: what is thrown is listed, wherever the code stands', () => {
    const document = '| code | when |\n|---|---|\n| `SIP_KNOWN` | … |\n';
    const codes = (text: string) => codeFindings([readSource('packages/sip/src/x.ts', text)], document).length;
    assert.equal(codes("new SipError('SIP_KNOWN', 'x')"), 0);
    assert.equal(codes("new SipError('SIP_NEW', 'x')"), 1);
    assert.equal(codes("readonly code = 'SIP_NEW';"), 1);
    assert.equal(codes("fail({ code: 'SIP_NEW' })"), 1);
    assert.equal(codes("type SipErrorCode = 'SIP_KNOWN' | 'SIP_NEW';"), 1);
    assert.equal(codes("const name = 'SIP_NEW'; if (e.code === 'ERR_SOCKET_CLOSED') {}"), 0);
  });
});
