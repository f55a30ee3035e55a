import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, suite, test } from 'node:test';
import { filesOf, KINDS, orphans } from './kinds.ts';

const root = mkdtempSync(join(tmpdir(), 'strowger-kinds-'));
after(() => rmSync(root, { recursive: true }));
for (const file of [
  'packages/sip/src/a.test.ts',
  'packages/sip/src/a.ts',
  'packages/sipx/src/b.test.ts',
  'packages/sip/node_modules/x/c.test.ts',
  'tests/interop/sipp.test.ts',
  'tests/somewhere/lost.test.ts',
]) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), '');
}

suite('which file belongs to which kind', () => {
  const kind = (name: string) => KINDS.find((each) => each.name === name) ?? assert.fail(name);

  test('tests beside the code are unit tests; node_modules is left out', () => {
    const files = filesOf(kind('unit'), [], root);
    assert.deepEqual(files, ['packages/sip/src/a.test.ts', 'packages/sipx/src/b.test.ts']);
  });

  test('a path takes whole folders, a file, or a file without its ending', () => {
    const only = (path: string) => filesOf(kind('unit'), [path], root);
    assert.deepEqual(only('packages/sip'), ['packages/sip/src/a.test.ts']);
    assert.deepEqual(only('./packages/sip/'), ['packages/sip/src/a.test.ts']);
    assert.deepEqual(only('packages/sip/src/a.test.ts'), ['packages/sip/src/a.test.ts']);
    assert.deepEqual(only('packages/sip/src/a'), ['packages/sip/src/a.test.ts']);
    assert.deepEqual(only('packages/si'), []);
  });

  test('a file under tests/ that no kind claims is found', () => {
    assert.deepEqual(orphans(root), ['tests/somewhere/lost.test.ts']);
  });
});
