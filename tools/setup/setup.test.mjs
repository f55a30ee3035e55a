import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { differences, explain } from './install.mjs';
import { withLock } from './lock.mjs';

const folder = mkdtempSync(join(tmpdir(), 'strowger-setup-'));
after(() => rmSync(folder, { recursive: true }));

/**
 * A checkout whose lock file names `wanted` and where npm says it installed `present`.
 * @param {object} wanted
 * @param {object} present
 */
function checkout(wanted, present) {
  const root = mkdtempSync(join(folder, 'checkout-'));
  for (const path of ['node_modules', ...Object.keys(present)]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: present }));
  return root;
}

const A = { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };

suite('what is missing in node_modules', () => {
  test('nothing, when npm installed what the lock file says', () => {
    assert.deepEqual(
      differences(checkout({ '': {}, 'packages/x': {}, 'node_modules/x': { link: true }, ...A }, A)),
      [],
    );
  });

  test('a package that is absent, of another version, of other content, or whose folder is gone', () => {
    assert.deepEqual(differences(checkout(A, {})), ['a']);
    assert.deepEqual(differences(checkout(A, { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } })), [
      'a',
    ]);
    assert.deepEqual(differences(checkout(A, { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } })), [
      'a',
    ]);
    const root = checkout(A, A);
    rmSync(join(root, 'node_modules/a'), { recursive: true });
    assert.deepEqual(differences(root), ['a']);
  });

  test('packages of other platforms are not missed; one of this platform is', () => {
    const other = { 'node_modules/b': { version: '1.0.0', os: ['aix'], cpu: ['ppc64'], optional: true } };
    const here = { 'node_modules/c': { version: '1.0.0', os: process.platform, cpu: process.arch, optional: true } };
    assert.deepEqual(differences(checkout({ ...other, ...here }, {})), ['c']);
  });

  test('a checkout without node_modules', () => {
    const root = checkout(A, {});
    rmSync(join(root, 'node_modules'), { recursive: true });
    assert.deepEqual(differences(root), ['a']);
  });
});

suite('what a failed install says', () => {
  for (const [said, advice] of /** @type {const} */ ([
    ['code ENOTFOUND', /registry cannot be reached/],
    ['code ENOSPC', /disk is full/],
    ['code EACCES', /may not write/],
    ['code EINTEGRITY', /damaged/],
    ['code EUSAGE', /disagree/],
    ['code E404', /does not have a package/],
    ['something new', /npm: something new/],
  ])) {
    test(said, () => assert.match(explain(1, [said]), advice));
  }
});

suite('one set-up at a time', () => {
  test('two at once follow each other, and the lock is gone afterwards', async () => {
    const file = join(folder, 'lock-1');
    let inside = 0;
    const work = async () => {
      inside += 1;
      assert.equal(inside, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inside -= 1;
    };
    await Promise.all([withLock(file, work), withLock(file, work)]);
    assert.equal(existsSync(file), false);
  });

  test('the lock of a process that was killed is taken over', async () => {
    const file = join(folder, 'lock-2');
    writeFileSync(file, '999999 1\n');
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(file, longAgo, longAgo);
    assert.equal(await withLock(file, () => Promise.resolve('done')), 'done');
  });

  test('work that fails leaves no lock', async () => {
    const file = join(folder, 'lock-3');
    await assert.rejects(
      withLock(file, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(existsSync(file), false);
  });
});
