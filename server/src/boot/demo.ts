/** Two people to try it with. Their passwords are random, made once, and kept sealed like any other. */
import { join } from 'node:path';
import type { DeclaredPerson } from '../config/schema.ts';
import type { DataFolder, DataPaths } from './data-folder.ts';
import { readIfThere, writeDurably } from './durable-file.ts';
import { randomPassword } from './password.ts';

export interface DemoPerson extends DeclaredPerson {
  readonly password: string;
}

const NAMES = ['Alice', 'Bob'];
const ABOUT = 'demo people';

export const demoFile = ({ keys }: Pick<DataPaths, 'keys'>): string => join(keys, 'demo.sealed');

/** The same people at each start with `--demo`; their extensions are the first free ones from 1001. */
export function demoPeople({ paths, keys }: DataFolder, declared: readonly DeclaredPerson[]): readonly DemoPerson[] {
  const file = demoFile(paths);
  const sealed = readIfThere(file);
  const taken = new Set(declared.map(({ extension }) => extension));
  if (sealed !== undefined) {
    const known = JSON.parse(keys.open(sealed.trim(), ABOUT)) as readonly DemoPerson[];
    if (known.every(({ extension }) => !taken.has(extension))) return known;
  }
  let next = 1001;
  const people = NAMES.map((name): DemoPerson => {
    while (taken.has(String(next))) next += 1;
    const extension = String(next);
    next += 1;
    return { name, extension, password: randomPassword() };
  });
  writeDurably(file, `${keys.seal(JSON.stringify(people), ABOUT)}\n`);
  return people;
}
