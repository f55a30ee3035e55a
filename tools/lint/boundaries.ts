/** Finds imports that a layer may not have, folders that belong to no layer, and folders that import in a circle. */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { isTest, readSources } from './files.ts';
import { RULES, type Rule, TESTS_MAY } from './layers.ts';
import { lineAt, type Source } from './source.ts';

/** Checks the repository; a problem a line, nothing when all is well. */
export function checkBoundaries(root: string): readonly string[] {
  const sources = readSources(root);
  return boundaryProblems(sources, (path) => existsSync(join(root, path)));
}

/** The check itself, on files given: `exists` says whether a path of the repository is there. */
export function boundaryProblems(sources: readonly Source[], exists: (path: string) => boolean): readonly string[] {
  const problems: string[] = [];
  const edges: Edge[] = [];
  for (const source of sources) {
    const own = unitOf(source.path);
    if (own === undefined) {
      problems.push(`${source.path}: belongs to no layer; tools/lint/layers.ts says where a folder belongs`);
      continue;
    }
    for (const found of importsOf(source)) {
      const target = resolveImport(source.path, found.specifier, exists);
      const why = refusal(source.path, own, found.specifier, target);
      if (why !== undefined) problems.push(`${source.path}:${found.line}: ${why}`);
      const to = unitOf(target);
      if (to !== undefined && to.unit !== own.unit && !isTest(source.path)) {
        edges.push({ from: own.unit, to: to.unit, at: `${source.path}:${found.line}` });
      }
    }
  }
  return [...problems, ...circles(edges)];
}

interface Unit {
  readonly unit: string;
  readonly rule: Rule;
}

/** The rule of a path and the folder that it stands for there, `*` filled in. */
function unitOf(path: string): Unit | undefined {
  for (const rule of RULES) {
    const unit = matchPrefix(path, rule.folder);
    if (unit !== undefined) return { unit, rule };
  }
  return undefined;
}

/** The part of `path` that `pattern` covers, by whole segments. */
function matchPrefix(path: string, pattern: string): string | undefined {
  const have = path.split('/');
  const want = pattern.split('/');
  if (have.length < want.length || (want.at(-1) === '*' && have.length === want.length)) return undefined;
  const fits = want.every((segment, i) => segment === '*' || segment === have[i]);
  return fits ? have.slice(0, want.length).join('/') : undefined;
}

interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Every static or dynamic import and re-export; those of types count like any other. */
export function importsOf(source: Source): readonly Import[] {
  return source.strings
    .filter(({ at }) => /(?:\bfrom|\bimport\s*\(?)\s*$/.test(source.code.slice(Math.max(0, at - 24), at)))
    .map(({ at, text }) => ({ specifier: text, line: lineAt(source.text, at) }));
}

/** A specifier as a path of the repository, `node:NAME`, or `npm:NAME`. */
function resolveImport(from: string, specifier: string, exists: (path: string) => boolean): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  if (specifier.startsWith('node:')) return specifier;
  const [, name, rest] = /^@strowger\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  if (name !== undefined) {
    const folder = name === 'server' ? 'server/src' : `packages/${name}/src`;
    const file = `${folder}/${rest}.ts`;
    return rest !== undefined && exists(file) ? file : posix.join(folder, rest ?? '', 'index.ts');
  }
  return `npm:${specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')}`;
}

function refusal(path: string, own: Unit, specifier: string, target: string): string | undefined {
  if (specifier.startsWith('.') && packageOf(path) !== packageOf(target) && packageOf(target).startsWith('packages/')) {
    return `imports ${target} by a path; another package is imported by its name (@strowger/…)`;
  }
  if (target === own.unit || target.startsWith(`${own.unit}/`)) return undefined;
  const may = isTest(path) ? [...own.rule.may, ...TESTS_MAY, packageOf(path)] : own.rule.may;
  if (may.some((allowed) => allows(allowed, target))) return undefined;
  const advice =
    specifier.startsWith('.') || specifier.startsWith('@strowger/') ? '' : ' (a dependency is argued first)';
  return `${own.unit} (${own.rule.layer}) may not import ${target}${advice}`;
}

function allows(allowed: string, target: string): boolean {
  if (allowed === 'node:' || allowed === 'npm:') return target.startsWith(allowed);
  return matchPrefix(target, allowed) !== undefined;
}

/** `packages/sip`, `server`, `tools` … */
function packageOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'packages' || first === 'apps' ? `${first}/${second}` : first;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly at: string;
}

/** Circles of folders, each told once, by the imports that close it. */
function circles(edges: readonly Edge[]): readonly string[] {
  const graph = new Map<string, Map<string, string>>();
  for (const { from, to, at } of edges) {
    const targets = graph.get(from) ?? new Map<string, string>();
    if (!targets.has(to)) targets.set(to, at);
    graph.set(from, targets);
  }
  const problems: string[] = [];
  const done = new Set<string>();
  const visit = (unit: string, trail: readonly string[]): void => {
    const start = trail.indexOf(unit);
    if (start !== -1) {
      const ring = [...trail.slice(start), unit];
      const steps = ring.slice(1).map((to, i) => `${ring[i]} → ${to} (${graph.get(ring[i] ?? '')?.get(to)})`);
      problems.push(`folders import in a circle: ${steps.join(', ')}`);
      return;
    }
    if (done.has(unit)) return;
    for (const to of graph.get(unit)?.keys() ?? []) visit(to, [...trail, unit]);
    done.add(unit);
  };
  for (const unit of [...graph.keys()].sort()) visit(unit, []);
  return problems;
}

if (import.meta.main) {
  const problems = checkBoundaries(join(import.meta.dirname, '../..'));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
