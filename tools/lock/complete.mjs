/**
 * Completes package-lock.json after `npm install` on a machine whose registry does not carry every platform's binaries
 * (a company's mirror, say): npm then leaves those optional packages out of the lock, and `npm ci` refuses the file on
 * every machine. An entry with version, os and cpu is enough: it is installed only where they match.
 *
 *     node tools/lock/complete.mjs          write what is missing
 *     node tools/lock/complete.mjs --check  only say what is missing (exit code 1)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/**
 * The optional packages that some entry asks for by exact version and that have no entry of their own.
 * @param {{ packages: Record<string, any> }} lock
 * @returns {Record<string, object>} entries to add, by lock key
 */
export function missingOptional(lock) {
  /** @type {Record<string, object>} */
  const missing = {};
  for (const entry of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`;
      if (lock.packages[key] === undefined) missing[key] = { version, ...platformOf(name), optional: true };
    }
  }
  return missing;
}

/** What the name of a platform package says about where it belongs. */
function platformOf(/** @type {string} */ name) {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) return {};
  const libc = words.includes('musl') || words.includes('musleabihf') ? { libc: ['musl'] } : {};
  return { cpu: [cpu], os: [os], ...libc };
}

function main() {
  const file = join(dirname(fileURLToPath(import.meta.url)), '../../package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingOptional(lock);
  const names = Object.keys(missing);
  if (names.length === 0) return console.log('package-lock.json names every optional package.');
  if (process.argv.includes('--check')) {
    console.log(`package-lock.json lacks ${names.join(', ')}; run: node tools/lock/complete.mjs`);
    process.exitCode = 1;
    return;
  }
  const packages = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
  console.log(`package-lock.json: added ${names.length} optional packages of other platforms.`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
