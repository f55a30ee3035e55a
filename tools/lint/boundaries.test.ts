import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { boundaryProblems } from './boundaries.ts';
import { readSource } from './source.ts';

/** Problems of a repository given as path → text. */
function problems(files: Readonly<Record<string, string>>): readonly string[] {
  const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
  return boundaryProblems(sources, (path) => path in files);
}

const one = (path: string, text: string) => problems({ [path]: text });

suite('boundaries', () => {
  test('a lower layer may not import a higher one; a type counts like a value', () => {
    const [problem] = one('packages/sip/src/message/x.ts', "import type { T } from '../transaction/y.ts';");
    assert.match(problem ?? '', /x\.ts:1: packages\/sip\/src\/message \(L1\) may not import .*transaction\/y\.ts/);
    assert.deepEqual(one('packages/sip/src/transaction/y.ts', "import { t } from '../message/x.ts';"), []);
  });

  test('machines of one layer do not know each other', () => {
    assert.equal(one('packages/sip/src/auth/x.ts', "import { t } from '../transaction/y.ts';").length, 1);
  });

  test('re-exports, bare and dynamic imports and those over several lines count', () => {
    for (const text of [
      "export * from '../ua/x.ts';",
      "import '../ua/x.ts';",
      "const x = import('../ua/x.ts');",
      "import {\n  a,\n  b,\n} from '../ua/x.ts';",
    ]) {
      assert.equal(one('packages/sip/src/message/x.ts', text).length, 1, text);
    }
  });

  test('what stands in a comment or a string is no import', () => {
    assert.deepEqual(
      one('packages/proto/src/x.ts', "// from 'node:fs'\nconst s = \"import 'node:fs'\"; Buffer.from('x');"),
      [],
    );
  });

  test('node: belongs to hosts', () => {
    assert.equal(one('packages/sip/src/stack/x.ts', "import fs from 'node:fs';").length, 1);
    assert.equal(one('packages/web/src/x.ts', "import fs from 'node:fs';").length, 1);
    assert.deepEqual(one('packages/node/src/x.ts', "import fs from 'node:fs';"), []);
  });

  test('a module sees of another its api.ts alone, and never the composition', () => {
    const path = 'server/src/modules/calls/x.ts';
    assert.deepEqual(one(path, "import { l } from '../location/api.ts';"), []);
    assert.equal(one(path, "import { l } from '../location/store.ts';").length, 1);
    assert.equal(one(path, "import { m } from '../../boot/modules.ts';").length, 1);
    assert.equal(one(path, "import fs from 'node:fs';").length, 1);
  });

  test('a library is imported by its name', () => {
    const path = 'packages/sip/src/message/x.ts';
    assert.match(one(path, "import { o } from '../../../proto/src/index.ts';")[0] ?? '', /by its name/);
    assert.deepEqual(one(path, "import { o } from '@strowger/proto';"), []);
    assert.equal(one('packages/proto/src/x.ts', "import { o } from '@strowger/sip/message';").length, 1);
  });

  test('packages from npm are named one by one', () => {
    assert.match(one('packages/sdp/src/x.ts', "import x from 'left-pad';")[0] ?? '', /npm:left-pad .*argued/);
    assert.deepEqual(one('server/src/storage/x.ts', "import { sql } from 'kysely';"), []);
    assert.equal(one('server/src/kernel/x.ts', "import { sql } from 'kysely';").length, 1);
  });

  test('tests may use the test kit and Node; the code beside them may not', () => {
    const text =
      "import test from 'node:test'; import { clock } from '@strowger/testkit'; import fc from 'fast-check';";
    assert.deepEqual(one('packages/sip/src/message/x.test.ts', text), []);
    assert.equal(one('packages/sip/src/message/x.ts', text).length, 3);
  });

  test('a folder that belongs to no layer is an error', () => {
    assert.match(one('packages/sip/src/helpers/x.ts', '')[0] ?? '', /belongs to no layer/);
  });

  test('folders that import in a circle are told once, with the imports that close it', () => {
    const found = problems({
      'packages/sip/src/ua/a.ts': "import { d } from '../dialog/b.ts';",
      'packages/sip/src/dialog/b.ts': "import type { u } from '../ua/a.ts';",
    });
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? '',
      /circle: packages\/sip\/src\/dialog → packages\/sip\/src\/ua \(.*b\.ts:1\), .*a\.ts:1/,
    );
  });
});
