/** The kinds of test there are, in the order in which they run, and which files belong to each. */
import { globSync } from 'node:fs';

/** How the files of one kind are run. */
export interface Kind {
  readonly name: string;
  readonly files: string;
  /** Files at once. One where real sockets and real audio are at work, so that a busy machine is not taken for a fault. */
  readonly atOnce: number;
  /** For one file; what runs longer is stuck. */
  readonly timeoutMs: number;
  /** Whether its tests talk to programs that have to be installed. */
  readonly peers: boolean;
}

/** The kinds of tests that are part of `npm test`; what runs for hours has commands of its own. */
export const KINDS: readonly Kind[] = [
  {
    name: 'unit',
    files: '{packages,server,tools,bench,fuzz}/**/*.test.{ts,mjs}',
    atOnce: 2,
    timeoutMs: 60_000,
    peers: false,
  },
  { name: 'conformance', files: 'tests/conformance/**/*.test.ts', atOnce: 2, timeoutMs: 60_000, peers: false },
  { name: 'scenario', files: 'tests/scenario/**/*.test.ts', atOnce: 2, timeoutMs: 120_000, peers: false },
  { name: 'attack', files: 'tests/attack/**/*.test.ts', atOnce: 1, timeoutMs: 120_000, peers: false },
  { name: 'interop', files: 'tests/interop/**/*.test.ts', atOnce: 1, timeoutMs: 180_000, peers: true },
  { name: 'e2e', files: 'tests/e2e/**/*.test.ts', atOnce: 1, timeoutMs: 180_000, peers: true },
];

/** The test files of a kind, in a stable order; with paths, only those that lie under one of them. */
export function filesOf(kind: Kind, paths: readonly string[], root: string): readonly string[] {
  const files = globSync(kind.files, { cwd: root, exclude: ['**/node_modules/**'] }).sort();
  return paths.length === 0 ? files : files.filter((file) => paths.some((path) => under(file, path)));
}

function under(file: string, path: string): boolean {
  const folder = path.replace(/^\.\//, '').replace(/\/+$/, '');
  return file === folder || file.startsWith(`${folder}/`) || file.startsWith(`${folder}.`);
}

/** Test files under `tests/` that no kind claims: they would never run, and nobody would notice. */
export function orphans(root: string): readonly string[] {
  const claimed = new Set(KINDS.flatMap((kind) => filesOf(kind, [], root)));
  return globSync('tests/**/*.test.ts', { cwd: root })
    .filter((file) => !claimed.has(file))
    .sort();
}
