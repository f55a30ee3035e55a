import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatJsonSchema, formatReference } from './document.ts';

const docs = join(import.meta.dirname, '../../../docs');
const hint = 'out of date: run `node_modules/.bin/node tools/config-schema.ts`';

test('docs/config.schema.json and docs/configuration.md are those of the schema', () => {
  assert.equal(readFileSync(join(docs, 'config.schema.json'), 'utf8'), formatJsonSchema(), hint);
  assert.equal(readFileSync(join(docs, 'configuration.md'), 'utf8'), formatReference(), hint);
});

test('every key has a meaning, and an example or a default', () => {
  for (const line of formatReference()
    .split('\n')
    .filter((l) => l.startsWith('| `'))) {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    assert.notEqual(cells[4], '', line);
    assert.notEqual(cells[5], '', line);
  }
});
