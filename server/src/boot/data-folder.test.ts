import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { checkServerIdentity, connect, createServer } from 'node:tls';
import { asMono, asWall, type Clock } from '@strowger/proto';
import { declaredRows } from '../modules/directory/declared.ts';
import { deviceSecretAbout, directoryStore } from '../modules/directory/store.ts';
import { openInProcessStorage } from '../storage/in-process.ts';
import { ensureAdministrator } from './administrator.ts';
import { ensureCertificate } from './certificate.ts';
import { dataPaths, hold, loadKeys, openDataFolder } from './data-folder.ts';
import { hashPassword, randomPassword, verifyPassword } from './password.ts';
import { aboutRow, createKey, secretKeys } from './secrets.ts';

const folder = () => mkdtempDisposableSync(join(tmpdir(), 'strowger-data-'));
const mode = (path: string): number => statSync(path).mode & 0o777;
const NOW = asWall(Date.UTC(2026, 10, 1));

suite('data folder', () => {
  test('the first start makes it, for the owner alone; the next finds it', () => {
    using dir = folder();
    const root = join(dir.path, 'deep', 'data');
    const first = openDataFolder(root);
    assert.equal(first.created, true);
    for (const path of [root, first.paths.run, first.paths.journal, first.paths.keys, first.paths.tls])
      assert.equal(mode(path), 0o700, path);
    assert.equal(mode(join(first.paths.keys, 'master.key')), 0o600);
    assert.equal(mode(join(first.paths.keys, 'nonce.key')), 0o600);
    assert.equal(first.keys.nonceKey.length, 32);
    const sealed = first.keys.seal('x', 'y');
    first.release();
    const second = openDataFolder(root);
    assert.equal(second.created, false);
    assert.equal(second.keys.open(sealed, 'y'), 'x');
    assert.equal(loadKeys(second.paths).nonceKey, first.keys.nonceKey);
    second.release();
  });

  test('two servers cannot share it', () => {
    using dir = folder();
    const first = openDataFolder(dir.path);
    assert.throws(() => openDataFolder(dir.path), {
      code: 'DATA_IN_USE',
      message: new RegExp(`process ${process.pid}`),
    });
    hold(first.paths, 'signalling').release();
    first.release();
    openDataFolder(dir.path).release();
  });

  test('the lock of a server killed with -9 is free at once', async () => {
    using dir = folder();
    const script = `
      import { openDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)};
      openDataFolder(${JSON.stringify(dir.path)});
      console.log('held');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    assert.throws(() => openDataFolder(dir.path), { code: 'DATA_IN_USE', message: new RegExp(`process ${child.pid}`) });
    child.kill('SIGKILL');
    await once(child, 'exit');
    openDataFolder(dir.path).release();
  });

  test('a first start killed at any step is finished by the next', () => {
    using dir = folder();
    const paths = dataPaths(dir.path);
    openDataFolder(dir.path).release();
    // As the steps leave it: without a version, without the second key, with a half-written first one, empty.
    rmSync(join(dir.path, 'version'));
    const master = readFileSync(join(paths.keys, 'master.key'), 'utf8');
    const again = openDataFolder(dir.path);
    assert.equal(again.created, true);
    again.release();
    rmSync(join(paths.keys, 'nonce.key'));
    openDataFolder(dir.path).release();
    assert.equal(readFileSync(join(paths.keys, 'master.key'), 'utf8'), master);
    rmSync(join(paths.keys, 'master.key'));
    writeFileSync(join(paths.keys, 'master.key.part'), 'half');
    rmSync(paths.tls, { recursive: true });
    openDataFolder(dir.path).release();
    assert.deepEqual(readdirSync(paths.keys).toSorted(), ['master.key', 'nonce.key']);
    assert.ok(existsSync(paths.tls));
  });

  test('a lost or damaged master key, and a newer layout, stop the start', () => {
    using dir = folder();
    const { paths, release } = openDataFolder(dir.path);
    release();
    writeFileSync(paths.database, '');
    copyFileSync(join(paths.keys, 'master.key'), join(dir.path, 'aside'));
    rmSync(join(paths.keys, 'master.key'));
    assert.throws(() => openDataFolder(dir.path), { code: 'DATA_KEY_MISSING' });
    writeFileSync(join(paths.keys, 'master.key'), 'short\n');
    assert.throws(() => openDataFolder(dir.path), { code: 'DATA_KEY_DAMAGED' });
    copyFileSync(join(dir.path, 'aside'), join(paths.keys, 'master.key'));
    writeFileSync(join(dir.path, 'version'), '2\n');
    assert.throws(() => openDataFolder(dir.path), { code: 'DATA_NEWER' });
    writeFileSync(join(dir.path, 'version'), '1\n');
    openDataFolder(dir.path).release();
    writeFileSync(join(dir.path, 'file'), '');
    assert.throws(() => openDataFolder(join(dir.path, 'file')), { code: 'DATA_UNUSABLE' });
  });
});

suite('secrets', () => {
  const key = () => Buffer.from(createKey().trim(), 'hex');

  test('a sealed secret opens for its own row and key alone, unchanged alone', () => {
    const keys = secretKeys(key(), key());
    const about = aboutRow('t', 'device', '1');
    const sealed = keys.seal('gehéim 😀', about);
    assert.equal(keys.open(sealed, about), 'gehéim 😀');
    assert.notEqual(keys.seal('gehéim 😀', about), sealed);
    assert.equal(keys.open(keys.seal('', about), about), '');
    for (const wrong of [
      '',
      's1.00000000.AAAA',
      `${sealed.slice(0, -3)}AAA`,
      sealed.slice(0, 20),
      sealed.slice(0, -8),
    ]) {
      assert.throws(() => keys.open(wrong, about), { code: 'SECRET_UNREADABLE' }, wrong);
    }
    assert.throws(() => keys.open(sealed, aboutRow('t', 'device', '2')), { code: 'SECRET_UNREADABLE' });
    assert.throws(() => secretKeys(key(), key()).open(sealed, about), /sealed with key/);
  });

  test('marks tell equal from different, per row and key', () => {
    const keys = secretKeys(key(), key());
    assert.equal(keys.mark('a', 'row'), keys.mark('a', 'row'));
    assert.notEqual(keys.mark('a', 'row'), keys.mark('b', 'row'));
    assert.notEqual(keys.mark('a', 'row'), keys.mark('a', 'other'));
    assert.notEqual(keys.mark('a', 'row'), secretKeys(key(), key()).mark('a', 'row'));
  });

  test('RFC 9106 §4 passwords are Argon2id with parameters beside the hash', async () => {
    const hash = await hashPassword('pässword');
    assert.match(hash, /^\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(await verifyPassword('pässword'.normalize('NFD'), hash), true);
    assert.equal(await verifyPassword('password', hash), false);
    assert.equal(await verifyPassword('x', 'not a hash'), false);
    assert.match(randomPassword(), /^[a-z2-9]{20}$/);
  });
});

suite('certificate', () => {
  const request = (dir: string) => ({
    folder: dir,
    domain: 'example.test',
    addresses: ['127.0.0.1', '::1', '0.0.0.0', '::'],
    now: NOW,
  });

  test('self-signed, P-256, for the domain and the addresses, kept while it fits', () => {
    using dir = folder();
    const first = ensureCertificate(request(dir.path));
    assert.equal(first.created, true);
    assert.equal(mode(first.key), 0o600);
    const certificate = new X509Certificate(readFileSync(first.certificate));
    assert.equal(certificate.checkHost('example.test'), 'example.test');
    assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
    assert.equal(certificate.checkIP('::1'), '::1');
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.equal(certificate.fingerprint256, first.fingerprint);
    assert.deepEqual(ensureCertificate(request(dir.path)), { ...first, created: false });
    const later = ensureCertificate({ ...request(dir.path), now: asWall(first.validTo - 86_400_000) });
    assert.equal(later.created, true);
    const moved = ensureCertificate({
      ...request(dir.path),
      now: asWall(first.validTo - 86_400_000),
      domain: 'other.test',
    });
    assert.equal(moved.created, true);
  });

  test('a TLS client that trusts it accepts it, by name and by either address', async () => {
    using dir = folder();
    const files = ensureCertificate({ ...request(dir.path), now: asWall(Date.now()) });
    const [cert, key] = [readFileSync(files.certificate), readFileSync(files.key)];
    const server = createServer({ cert, key }, (socket) => socket.on('error', () => undefined).end()).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const name of ['example.test', '127.0.0.1', '::1']) {
      const identity = (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
        checkServerIdentity(name, peer);
      const client = connect({ port, host: '127.0.0.1', ca: cert, checkServerIdentity: identity });
      await once(client, 'secureConnect');
      assert.equal(client.authorized, true);
      client.destroy();
    }
    server.close();
  });

  test('a pair of which only one half was replaced is made anew; a foreign certificate is left alone', () => {
    using dir = folder();
    using other = folder();
    const mine = ensureCertificate(request(dir.path));
    const theirs = ensureCertificate(request(other.path));
    copyFileSync(theirs.key, mine.key);
    assert.equal(ensureCertificate(request(dir.path)).created, true);
    rmSync(mine.certificate);
    assert.equal(ensureCertificate(request(dir.path)).created, true);
    writeFileSync(mine.certificate, 'rubbish');
    assert.throws(() => ensureCertificate(request(dir.path)), { code: 'DATA_CERTIFICATE_UNREADABLE' });
    assert.equal(readFileSync(mine.certificate, 'utf8'), 'rubbish');
  });
});

test('a folder that holds somebody else’s things is refused, and nothing is made or changed in it', () => {
  using dir = folder();
  writeFileSync(join(dir.path, 'letter.txt'), 'dear');
  mkdirSync(join(dir.path, 'run'), { mode: 0o755 });
  assert.throws(() => openDataFolder(dir.path), /is no Strowger data folder \(it holds letter\.txt\)/);
  assert.deepEqual(readdirSync(dir.path).sort(), ['letter.txt', 'run']);
  assert.equal(mode(join(dir.path, 'run')), 0o755);
});

test('people of the file reach the directory with secrets that open, and a second start changes nothing', async () => {
  const clock: Clock = { now: () => asMono(0), wall: () => NOW };
  const keys = secretKeys(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  const storage = await openInProcessStorage({ stores: [directoryStore], clock });
  const directory = storage.store(directoryStore);
  await directory.putTenant('default', 'example.test');
  const people = [
    { name: 'Alice', extension: '1001', password: 'alice-secret-1' },
    { name: 'Bob', extension: '1002' },
  ];
  const first = await directory.applyFile(
    'default',
    declaredRows(people, 'default', { secrets: keys, id: randomUUID, password: randomPassword, algorithms: ['MD5'] }),
  );
  assert.deepEqual(
    first.map(({ kind, extension }) => `${kind} ${extension}`),
    ['added 1001', 'added 1002'],
  );
  assert.deepEqual(
    await directory.applyFile(
      'default',
      declaredRows(people, 'default', { secrets: keys, id: randomUUID, password: randomPassword, algorithms: ['MD5'] }),
    ),
    [],
  );
  const [alice, bob] = (await directory.system.listDevices()).toSorted((a, b) => a.userName.localeCompare(b.userName));
  assert.equal(keys.open(alice?.secret ?? '', deviceSecretAbout('default', '1001')), 'alice-secret-1');
  assert.match(keys.open(bob?.secret ?? '', deviceSecretAbout('default', '1002')), /^[a-z2-9]{20}$/);
  assert.throws(() => keys.open(bob?.secret ?? '', deviceSecretAbout('default', '1001')), {
    code: 'SECRET_UNREADABLE',
  });
  await storage.close();
});

test('the administrator: made once; one whose password nobody saw gets another', async () => {
  const clock: Clock = { now: () => asMono(0), wall: () => NOW };
  const storage = await openInProcessStorage({ stores: [directoryStore], clock });
  const directory = storage.store(directoryStore);
  await directory.putTenant('default', 'example.test');
  const unseen = await ensureAdministrator(directory, 'default');
  const seen = await ensureAdministrator(directory, 'default');
  assert.notEqual(unseen?.password, seen?.password);
  await seen?.announced();
  assert.equal(await ensureAdministrator(directory, 'default'), undefined);
  const account = await directory.account('default', 'admin');
  assert.equal(account?.role, 'administrator');
  assert.equal(await verifyPassword(seen?.password ?? '', account?.passwordHash ?? ''), true);
  assert.equal((await directory.accountsOfRole('default', 'administrator')).length, 1);
  await storage.close();
});
