/**
 * Programs that nobody here wrote and that the interop and end-to-end tests talk to. All are Debian packages; run as
 * root on a Debian machine, `npm test` installs what is missing. Elsewhere the tests that need an absent one are
 * skipped by name, except with CI=true, where that is a failure.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Command → the Debian package it comes in. */
const PACKAGES = {
  baresip: 'baresip-core',
  ip: 'iproute2',
  iptables: 'iptables',
  sipp: 'sip-tester',
  tshark: 'tshark',
} as const;

/** A program that tests may need. */
export type PeerName = keyof typeof PACKAGES;

/** Where a peer is; when it is absent, `skip` is the reason to give to node:test. */
export interface Peer {
  readonly name: PeerName;
  readonly path: string;
  readonly skip: string | false;
}

/**
 * Looks for a peer: `test('…', { skip: peer('sipp').skip }, …)`. With CI=true an absent one throws, so that the file
 * that needs it fails.
 */
export function peer(name: PeerName): Peer {
  const path = find(name);
  if (path !== undefined) return { name, path, skip: false };
  const reason = `${name} is not installed (Debian: apt install ${PACKAGES[name]})`;
  if (process.env.CI === 'true') throw new Error(`${reason}; with CI=true a missing peer is a failure`);
  return { name, path: '', skip: reason };
}

function find(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, command))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

let installed: Promise<void> | undefined;

/** Installs the missing peers, once a run, where this user may and the machine has apt. */
export function installPeers(progress: (line: string) => void): Promise<void> {
  installed ??= installMissing(progress);
  return installed;
}

async function installMissing(progress: (line: string) => void): Promise<void> {
  const names = Object.keys(PACKAGES) as PeerName[];
  const packages = names.filter((name) => find(name) === undefined).map((name) => PACKAGES[name]);
  if (packages.length === 0) return;
  if (find('apt-get') === undefined || process.getuid?.() !== 0) {
    progress(`Not installed: ${packages.join(', ')}. Run as root on Debian to have them installed.`);
    return;
  }
  progress(`Installing peers for the tests: ${packages.join(', ')}`);
  // One repository that cannot be reached fails the update, and the packages may come from another.
  const stale = await apt(['update']);
  const failed = await apt(['install', '--yes', '--no-install-recommends', ...packages]);
  progress(failed === undefined ? 'Peers installed.' : `Peers not installed: ${stale ?? failed}`);
}

const APT_LIMIT_MS = 4 * 60_000;

/** Runs apt-get; `undefined` is success, a text what went wrong. */
function apt(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('apt-get', ['--quiet', '--option', 'DPkg::Lock::Timeout=60', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: APT_LIMIT_MS,
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4_000);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(undefined);
      const said = errors.split('\n').find((line) => line.startsWith('E:'));
      resolve(said ?? `apt-get ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}
