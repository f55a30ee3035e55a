import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { dependencyFindings, type Manifest } from './dependencies.ts';
import { readSource } from './source.ts';

const root: Manifest = { path: 'package.json', dependencies: [], devDependencies: [] };
const manifest = (...dependencies: string[]): Manifest => ({
  path: 'server/package.json',
  dependencies,
  devDependencies: [],
});
const uses = readSource('server/src/x.ts', "import { parse } from 'yaml/lib'; import type { K } from '@a/kit';");
const found = (given: Manifest, document: string) =>
  dependencyFindings([root, given], [uses], document).map(({ rule }) => rule);

suite('dependencies', () => {
  test('one that is argued and imported is well', () => {
    assert.deepEqual(found(manifest('yaml', '@a/kit'), '### yaml, @a/kit\n'), []);
  });

  test('one without a chapter is found', () => {
    assert.deepEqual(found(manifest('yaml', '@a/kit'), '### @a/kit\n'), ['dependency-argued']);
  });

  test('one that nothing imports is found', () => {
    assert.deepEqual(found(manifest('left-pad', 'yaml', '@a/kit'), '### left-pad, yaml, @a/kit\n'), [
      'dependency-unused',
    ]);
  });

  test('our own packages need no argument', () => {
    assert.deepEqual(found(manifest('@strowger/sip', 'yaml', '@a/kit'), '### yaml, @a/kit\n'), ['dependency-unused']);
  });

  test('one that is imported and not declared is found', () => {
    assert.deepEqual(found(manifest('yaml'), '### yaml\n'), ['dependency-declared']);
  });
});
