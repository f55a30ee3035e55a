/**
 * Completes package-lock.json after `npm install` on a machine whose registry does not carry every platform's binaries
 * (a company's mirror, say): npm then leaves those optional packages out of the lock, and `npm ci` refuses the file on
 * every machine. An entry with version, os and cpu is enough: it is installed only where they match.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** As much of package-lock.json as matters here. */
export interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

/** An entry for a package that npm left out. */
export interface LockEntry {
  readonly version: string;
  readonly optional: true;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** The optional packages that some entry asks for by exact version and that have no entry of their own, by lock key. */
export function missingOptional(lock: Lock): Readonly<Record<string, LockEntry>> {
  const missing: Record<string, LockEntry> = {};
  for (const entry of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`;
      if (lock.packages[key] === undefined) missing[key] = { version, ...platformOf(name), optional: true };
    }
  }
  return missing;
}

/** What the name of a platform package says about where it belongs. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) return {};
  const musl = words.includes('musl') || words.includes('musleabihf');
  return { cpu: [cpu], os: [os], ...(musl ? { libc: ['musl'] } : {}) };
}

function main(): void {
  const file = join(import.meta.dirname, '../../package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock;
  const missing = missingOptional(lock);
  const count = Object.keys(missing).length;
  if (count === 0) {
    console.log('package-lock.json names every optional package.');
    return;
  }
  const packages = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
  console.log(`package-lock.json: added ${count} optional packages of other platforms.`);
}

if (import.meta.main) main();
