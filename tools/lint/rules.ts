/** The house rules that no ready-made linter knows. `boundaries.ts` has those about imports. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingOptional } from '../lock/complete.ts';
import { dependencyFindings, readManifests } from './dependencies.ts';
import { codeFindings } from './error-codes.ts';
import { isTest, readSources } from './files.ts';
import { lineAt, type Source } from './source.ts';
import { type Finding, wordFindings } from './words.ts';

/** Checks the repository; a problem a line, nothing when all is well. */
export function checkRules(root: string): readonly string[] {
  const sources = readSources(root);
  const findings: Finding[] = [
    ...sources.flatMap(wordFindings),
    ...sources.flatMap(lengthFindings),
    ...moduleFindings(root),
    ...lockFindings(readFileSync(join(root, 'package-lock.json'), 'utf8')),
    ...codeFindings(sources, readIfThere(join(root, 'docs/errors.md'))),
    ...dependencyFindings(readManifests(root), sources, readIfThere(join(root, 'docs/dependencies.md')) ?? ''),
  ];
  return findings.map(({ path, line, rule, message }) => `${path}:${line}: ${message} [${rule}]`);
}

/** Where a file surely holds more than one idea. Tables and transcripts are read differently. */
const MOST_LINES = 400;

/** Files that have grown too long. */
export function lengthFindings({ path, text }: Source): readonly Finding[] {
  const lines = text.split('\n').length - 1;
  if (lines <= MOST_LINES || isTest(path) || /\/registry\/|generated/.test(path)) return [];
  const message = `${lines} lines; past ${MOST_LINES} a file holds more than one idea`;
  return [{ path, line: MOST_LINES, rule: 'file-length', message }];
}

/** The chapters of every module's README, in this order. */
export const CHAPTERS: readonly string[] = [
  'Purpose',
  'Needs and offers',
  'Configuration',
  'SIP behaviour',
  'HTTP API',
  'Events and metrics',
  'Limits',
];

/** Feature folders that lack a part of their anatomy. */
function moduleFindings(root: string): readonly Finding[] {
  return globSync('server/src/modules/*/', { cwd: root })
    .sort()
    .flatMap((found) => {
      const folder = found.replaceAll('\\', '/').replace(/\/$/, '');
      const readme = readIfThere(join(root, folder, 'README.md'));
      return anatomyFindings(folder, existsSync(join(root, folder, 'module.ts')), readme);
    });
}

/** What one feature folder lacks. */
export function anatomyFindings(folder: string, hasModule: boolean, readme: string | undefined): readonly Finding[] {
  const finding = (path: string, message: string): Finding => ({ path, line: 1, rule: 'module-anatomy', message });
  const out: Finding[] = [];
  if (!hasModule) out.push(finding(folder, 'has no module.ts'));
  if (readme === undefined) return [...out, finding(folder, 'has no README.md')];
  const chapters = [...readme.matchAll(/^## (.+)$/gm)].map((hit) => (hit[1] ?? '').trim());
  if (chapters.join('|') !== CHAPTERS.join('|')) {
    out.push(finding(`${folder}/README.md`, `its chapters (##) are to be: ${CHAPTERS.join(', ')}`));
  }
  return out;
}

/** A lock file that only one registry, or only one platform, can use. */
export function lockFindings(text: string): readonly Finding[] {
  const path = 'package-lock.json';
  const out: Finding[] = [];
  for (const hit of text.matchAll(/"resolved": "(https?:[^"]*)"/g)) {
    const message = `names a registry's host (${new URL(hit[1] ?? '').host}); .npmrc has omit-lockfile-registry-resolved`;
    out.push({ path, line: lineAt(text, hit.index), rule: 'lock-host', message });
  }
  const missing = Object.keys(missingOptional(JSON.parse(text)));
  if (missing.length > 0) {
    const message = `lacks ${missing.length} optional packages of other platforms, so npm ci refuses it: npm run complete-lock`;
    out.push({ path, line: 1, rule: 'lock-complete', message });
  }
  return out;
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

if (import.meta.main) {
  const problems = checkRules(join(import.meta.dirname, '../..'));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
