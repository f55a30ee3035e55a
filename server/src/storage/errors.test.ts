import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');

test('every code of storage, configuration and the data folder is in docs/errors.md', () => {
  const documented = new Set(readFileSync(join(root, 'docs/errors.md'), 'utf8').match(/`[A-Z]+_[A-Z_]+`/g));
  const sources = globSync('server/src/{storage,config,boot}/*.ts', { cwd: root, exclude: ['**/*.test.ts'] });
  for (const file of sources) {
    for (const [, code] of readFileSync(join(root, file), 'utf8').matchAll(
      /'((?:STORE|JOURNAL|CONFIG|DATA|SECRET)_[A-Z_]+)'/g,
    )) {
      assert.ok(documented.has(`\`${code}\``), `${file}: ${code}`);
    }
  }
});
