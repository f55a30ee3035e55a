import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { boundaryProblems } from './lint/boundaries.ts';
import { anatomyFindings } from './lint/rules.ts';
import { readSource } from './lint/source.ts';
import { wordFindings } from './lint/words.ts';
import { moduleFiles } from './new-module.ts';

suite('npm run new-module', () => {
  const files = moduleFiles('call-queue');
  const sources = Object.entries(files)
    .filter(([file]) => file.endsWith('.ts'))
    .map(([file, text]) => readSource(`server/src/modules/call-queue/${file}`, text));

  test('what it writes keeps the boundaries, the house rules and the anatomy', () => {
    assert.deepEqual(
      boundaryProblems(sources, () => true),
      [],
    );
    assert.deepEqual(sources.flatMap(wordFindings), []);
    assert.deepEqual(anatomyFindings('m', 'module.ts' in files, files['README.md']), []);
  });

  test('names are made of the folder name', () => {
    assert.match(
      files['api.ts'] ?? '',
      /interface CallQueueService[\s\S]*callQueue: ServiceKey<CallQueueService> = serviceKey\('call-queue'\)/,
    );
  });
});
