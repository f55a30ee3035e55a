import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { peer } from './peers.ts';

/** Looks for SIPp where nothing is installed. */
function withoutPeers<T>(ci: string | undefined, look: () => T): T {
  const { PATH, CI } = process.env;
  process.env.PATH = '/nonexistent';
  if (ci === undefined) delete process.env.CI;
  else process.env.CI = ci;
  try {
    return look();
  } finally {
    process.env.PATH = PATH;
    if (CI === undefined) delete process.env.CI;
    else process.env.CI = CI;
  }
}

suite('peers', () => {
  test('an absent one is a reason to skip that names the package to install', () => {
    const { skip, path } = withoutPeers(undefined, () => peer('sipp'));
    assert.equal(skip, 'sipp is not installed (Debian: apt install sip-tester)');
    assert.equal(path, '');
  });

  test('with CI=true an absent one is a failure', () => {
    assert.throws(() => withoutPeers('true', () => peer('sipp')), /sip-tester.*CI=true/);
  });

  test('one that is there has a path and no reason', () => {
    const found = peer('ip');
    if (found.skip === false) assert.match(found.path, /\/ip$/);
  });
});
