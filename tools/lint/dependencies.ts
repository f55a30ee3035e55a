/** Every dependency is argued in docs/dependencies.md, declared where it is imported, and used. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf } from './boundaries.ts';
import type { Source } from './source.ts';
import type { Finding } from './words.ts';

/** A package.json, as far as it matters here. */
export interface Manifest {
  readonly path: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

/** The manifests of the root and of every workspace. */
export function readManifests(root: string): readonly Manifest[] {
  const paths = globSync('{package.json,{packages,apps}/*/package.json,{server,cli}/package.json}', {
    cwd: root,
  }).sort();
  return paths.map((path) => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, path), 'utf8'));
    const names = (field: object | undefined): string[] => Object.keys(field ?? {});
    return {
      path: path.replaceAll('\\', '/'),
      dependencies: [...names(dependencies), ...names(optionalDependencies)],
      devDependencies: names(devDependencies),
    };
  });
}

/** Dependencies that the document does not argue, that a workspace imports undeclared, or declares and does not import. */
export function dependencyFindings(
  manifests: readonly Manifest[],
  sources: readonly Source[],
  document: string,
): readonly Finding[] {
  const argued = new Set([...document.matchAll(/^### (.+)$/gm)].flatMap((hit) => (hit[1] ?? '').split(/,\s*/)));
  const finding = (path: string, rule: string, message: string): Finding => ({ path, line: 1, rule, message });
  const out: Finding[] = [];
  for (const { path, dependencies, devDependencies } of manifests) {
    for (const name of [...dependencies, ...devDependencies]) {
      if (name.startsWith('@strowger/') || argued.has(name)) continue;
      out.push(finding(path, 'dependency-argued', `${name} has no chapter in docs/dependencies.md`));
    }
    const folder = path.replace(/package\.json$/, '');
    // The root's are tools and the Node binary, which nothing imports.
    if (folder === '') continue;
    const used = new Set(sources.filter((each) => each.path.startsWith(folder)).flatMap(packagesOf));
    for (const name of dependencies.filter((each) => !used.has(each))) {
      out.push(finding(path, 'dependency-unused', `${name}: nothing in ${folder} imports it`));
    }
    // Tests may use what the root has for all of them.
    const declared = new Set([...dependencies, ...devDependencies, ...(manifests[0]?.devDependencies ?? [])]);
    for (const name of [...used].filter((each) => !declared.has(each) && each !== ownName(folder)).sort()) {
      out.push(finding(path, 'dependency-declared', `${name} is imported in ${folder} and not declared`));
    }
  }
  return out;
}

function ownName(folder: string): string {
  return `@strowger/${folder.split('/').at(-2)}`;
}

/** The packages, by name, that a file imports. */
function packagesOf(source: Source): readonly string[] {
  return importsOf(source)
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map(({ specifier }) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}
