/**
 * Makes a checkout ready to run: node_modules as package-lock.json says, the pinned Node, the git hooks. `npm start` and
 * `npm test` call it first, so nobody has to. Plain JavaScript without a dependency: it runs on whatever Node a machine
 * has, from 20 on. In a checkout that is ready it costs one hash of one file.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Problem, say } from './setup/say.mjs';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.strowger-stamp');

/**
 * Installs what is missing and returns the Node to run Strowger with. Throws a `Problem` that a person can act on.
 * @returns {Promise<string>} path of the Node executable
 */
export async function ready() {
  const want = wanted();
  const node = stamped(want);
  if (node !== undefined) return node;

  const { withLock } = await import('./setup/lock.mjs');
  return withLock(join(root, '.strowger-setup.lock'), async () => {
    // Another set-up may have done it while this one waited.
    const done = stamped(want);
    if (done !== undefined) return done;
    const { differences, install } = await import('./setup/install.mjs');
    if (differences(root).length > 0) await install(root);
    const { checkedNode } = await import('./setup/node.mjs');
    const found = checkedNode(root);
    const { enableHooks } = await import('./setup/hooks.mjs');
    enableHooks(root);
    mkdirSync(modules, { recursive: true });
    writeFileSync(stampFile, JSON.stringify({ want, node: relative(root, found) }));
    return found;
  });
}

/** What the stamp must say: the lock file's content and the platform it was installed for. */
function wanted() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return `${process.platform}-${process.arch} ${createHash('sha256').update(lock).digest('hex')}`;
}

function stamped(/** @type {string} */ want) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
    const node = join(root, stamp.node);
    return stamp.want === want && existsSync(node) ? node : undefined;
  } catch {
    return undefined; // No stamp, or half of one: set up again.
  }
}

/** For the commands: `ready()`, or the problem in words and exit code 1. */
export async function readyOrExit() {
  try {
    return await ready();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(`\n${error.message}`);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const node = await readyOrExit();
  say(`Ready. Node: ${relative(root, node)}`);
}
