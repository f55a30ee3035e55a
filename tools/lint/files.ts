/** The TypeScript of this repository, read once for all rules. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSource, type Source } from './source.ts';

const SOURCES = '{packages,server,apps,cli,tests,tools,bench,fuzz,examples}/**/*.{ts,mts,mjs,tsx}';

/** Every source file, paths relative to the root and with `/`. */
export function readSources(root: string): readonly Source[] {
  const paths = globSync(SOURCES, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }).sort();
  return paths.map((path) => readSource(path.replaceAll('\\', '/'), readFileSync(join(root, path), 'utf8')));
}

/** Whether a path is that of a file of tests. */
export function isTest(path: string): boolean {
  return /\.test\.(?:ts|mjs)$/.test(path);
}
