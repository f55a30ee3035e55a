/** Turns .githooks on in a developer's checkout, unless that developer has hooks of their own. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './say.mjs';

export function enableHooks(/** @type {string} */ root) {
  if (process.env.CI || !existsSync(join(root, '.git'))) return;
  const git = (/** @type {string[]} */ ...args) => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
  const present = git('config', '--get', 'core.hooksPath');
  // Status 1: not set. Anything else is either set already or no git that works; both are left alone.
  if (present.status !== 1) return;
  if (git('config', 'core.hooksPath', '.githooks').status === 0) {
    say('Enabled .githooks/pre-commit (to disable: git config core.hooksPath .git/hooks).');
  }
}
