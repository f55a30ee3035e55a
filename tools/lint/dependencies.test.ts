import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { dependencyFindings, type Manifest } from './dependencies.ts';
import { readSource } from './source.ts';

const manifest = (...dependencies: string[]): Manifest => ({
  path: 'server/package.json',
  dependencies,
  devDependencies: [],
});
const uses = readSource('server/src/x.ts', "import { parse } from 'yaml/lib'; import type { K } from '@a/kit';");
const found = (given: Manifest, document: string) =>
  dependencyFindings([given], [uses], document).map(({ rule }) => rule);

suite('dependencies', () => {
  test('one that is argued and imported is well', () => {
    assert.deepEqual(found(manifest('yaml', '@a/kit'), '### yaml, @a/kit\n'), []);
  });

  test('one without a chapter is found', () => {
    assert.deepEqual(found(manifest('yaml'), '# yaml\n'), ['dependency-argued']);
  });

  test('one that nothing imports is found', () => {
    assert.deepEqual(found(manifest('left-pad'), '### left-pad\n'), ['dependency-unused']);
  });

  test('our own packages need no argument', () => {
    assert.deepEqual(found(manifest('@strowger/sip'), ''), ['dependency-unused']);
  });
});
