/** `npm ci`, with progress that a person can follow and errors that say what to do. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Problem, say } from './say.mjs';

/** npm's own record of what it installed. */
const RECORD = 'node_modules/.package-lock.json';

/**
 * The packages that node_modules lacks or has in another version, compared with package-lock.json for this platform.
 * @param {string} root
 * @returns {string[]} names
 */
export function differences(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = existsSync(join(root, RECORD)) ? packagesOf(join(root, RECORD)) : {};
  const out = [];
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || entry.link || !suits(entry)) continue;
    const there = present[path];
    if (there?.version !== entry.version || there?.integrity !== entry.integrity || !existsSync(join(root, path))) {
      out.push(path.slice('node_modules/'.length));
    }
  }
  return out;
}

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, os?: string | string[], cpu?: string | string[], libc?: string[] }} Entry
 * @param {string} file
 * @returns {Record<string, Entry>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}

function suits(/** @type {Entry} */ { os, cpu, libc }) {
  if (libc !== undefined && !libc.includes(libcHere())) return false;
  return (
    (os === undefined || [os].flat().includes(process.platform)) &&
    (cpu === undefined || [cpu].flat().includes(process.arch))
  );
}

let libcName = '';
function libcHere() {
  if (libcName === '') {
    const report = /** @type {any} */ (process.report?.getReport());
    libcName = report?.header?.glibcVersionRuntime ? 'glibc' : 'musl';
  }
  return libcName;
}

/** Runs `npm ci`. No package here needs an install script, so none is run. */
export async function install(/** @type {string} */ root) {
  const wanted = differences(root);
  const nodePackage = wanted.find((name) => /^node-(linux|win)-/.test(name));
  const large = nodePackage === undefined ? '' : ', Node itself among them (some 60 MB to fetch)';
  say(`First run, or dependencies have changed: installing ${wanted.length} packages${large}.`);

  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  let fetched = 0;
  const timer = setInterval(() => {
    const state =
      fetched < wanted.length ? `${fetched} of ${wanted.length} packages fetched` : 'all fetched, unpacking';
    say(`  ${seconds()}: ${state}`);
  }, 3_000);
  try {
    const { code, log } = await npmCi(root, () => (fetched += 1));
    if (code !== 0) throw new Problem(explain(code, log));
  } finally {
    clearInterval(timer);
  }

  // npm counts a failed download of an optional package as success; the platform's Node is such a package.
  const missing = differences(root);
  if (missing.length > 0) {
    throw new Problem(
      `npm finished, but ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} still missing: most likely a download ` +
        'that failed. Run the same command again; if it stays so, your registry does not carry the package.',
    );
  }
  say(`  installed in ${seconds()}.`);
}

/**
 * @param {string} root
 * @param {() => void} onFetched
 * @returns {Promise<{ code: number | string, log: string[] }>}
 */
function npmCi(root, onFetched) {
  // Without our own .bin: it holds the Node that npm is about to replace.
  const path = (process.env.PATH ?? '').split(delimiter).filter((part) => !part.includes(join('node_modules', '.bin')));
  const args = [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--prefer-offline',
    '--loglevel=http',
  ];
  return new Promise((resolve) => {
    const child = spawn('npm', args, {
      cwd: root,
      env: { ...process.env, PATH: path.join(delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    /** @type {string[]} */
    const log = [];
    const read = (/** @type {string} */ line) => {
      if (/ http (fetch GET 200|cache) .*\.tgz/.test(line)) onFetched();
      else if (line.startsWith('npm error')) log.push(line.replace(/^npm error ?/, ''));
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', read);
    child.on('error', (error) => resolve({ code: /** @type {NodeJS.ErrnoException} */ (error).code ?? 'ERROR', log }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? 'ERROR', log }));
  });
}

/** npm's error codes → what to do. First match wins. */
const ADVICE = /** @type {const} */ ([
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET|ENOTCACHED/,
    'The npm registry cannot be reached. Connect this machine to the network, or name your mirror or proxy ' +
      '(npm config set registry URL; npm config set proxy URL), and run the same command again. ' +
      'Without any network: copy node_modules from a machine of the same kind that has the same package-lock.json.',
  ],
  [/\bE40[13]\b/, 'The npm registry refused access: check the login and registry that `npm config list` shows.'],
  [
    /\bE404\b|ETARGET/,
    'The npm registry does not have a package that package-lock.json names; a mirror may be behind.',
  ],
  [/ENOSPC/, 'The disk is full: node_modules needs about 350 MB.'],
  [/EACCES|EPERM|EROFS/, 'This user may not write to the folder of the repository: check its owner and permissions.'],
  [
    /EINTEGRITY/,
    'A download was damaged, or is not what package-lock.json says. Run `npm cache verify` and try again.',
  ],
  [
    /EUSAGE/,
    'package.json and package-lock.json disagree. After a change by hand: npm install && npm run complete-lock',
  ],
  [
    /ENOENT/,
    'npm was not found: install it together with Node (Debian: apt install npm), and run the same command again.',
  ],
]);

/** What to tell about an npm that ended with `code` and said `log`. */
export function explain(/** @type {number | string} */ code, /** @type {string[]} */ log) {
  const text = `${code}\n${log.join('\n')}`;
  const advice = ADVICE.find(([pattern]) => pattern.test(text))?.[1] ?? 'What npm said is above.';
  const said = log
    .filter((line) => line.trim() !== '')
    .slice(0, 8)
    .map((line) => `  npm: ${line}`);
  return [`Installing the dependencies failed (npm ci: ${code}).`, ...said, advice].join('\n');
}
