import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** A first start as the supervisor and signalling do it, saying each step that is done. */
const script = (dir: string): string => `
  import { openDataFolder } from ${at('./data-folder.ts')};
  import { ensureCertificate } from ${at('./certificate.ts')};
  import { ensureAdministrator } from ${at('./administrator.ts')};
  import { declaredRows } from ${at('../modules/directory/declared.ts')};
  import { randomUUID } from 'node:crypto';
  import { randomPassword } from ${at('./password.ts')};
  import { openThreadStorage } from ${at('../storage/client.ts')};
  import { openJournal } from ${at('../storage/journal.ts')};
  import { directoryStore } from ${at('../modules/directory/store.ts')};
  import { writeSync } from 'node:fs';
  const say = (step) => writeSync(1, step + '\\n');
  const clock = { now: () => performance.now(), wall: () => Date.now() };
  const folder = openDataFolder(${JSON.stringify(dir)});
  say('folder ' + folder.created);
  ensureCertificate({ folder: folder.paths.tls, domain: 'example.test', addresses: ['127.0.0.1'], now: clock.wall() });
  say('certificate');
  const journal = openJournal({ dir: folder.paths.journal, durability: 'process', now: clock.wall() });
  const storage = await openThreadStorage({ path: folder.paths.database, backups: folder.paths.backups, stores: [directoryStore], clock });
  say('storage');
  const directory = storage.store(directoryStore);
  await directory.putTenant('default', 'example.test');
  const people = Array.from({ length: 20 }, (_, i) => ({ name: 'P' + i, extension: String(1000 + i), password: 'secret-' + i }));
  const changes = await directory.applyFile('default', declaredRows(people, 'default', { secrets: folder.keys, id: randomUUID, password: randomPassword, algorithms: ['MD5'] }));
  say('people ' + changes.length);
  const administrator = await ensureAdministrator(directory, 'default');
  say('administrator ' + (administrator ? administrator.password.length : 'known'));
  await administrator?.announced();
  const devices = await directory.system.listDevices();
  say('devices ' + devices.length);
  await storage.close();
  journal.close();
  folder.release();
`;

async function start(dir: string, killAfter?: number): Promise<{ said: string[]; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script(dir)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let erred = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
    if (killAfter !== undefined && said.split('\n').length > killAfter) child.kill('SIGKILL');
  });
  child.stderr.on('data', (chunk) => {
    erred += chunk;
  });
  const [code] = await once(child, 'close');
  if (killAfter === undefined) assert.equal(code, 0, erred);
  return { said: said.trim().split('\n'), code };
}

test('a first start killed with -9 after each step in turn is finished by the next, and the one after finds nothing to do', async () => {
  using dir = mkdtempDisposableSync(join(tmpdir(), 'strowger-start-'));
  const root = join(dir.path, 'data');
  for (const step of [1, 2, 3, 4, 5]) await start(root, step);
  const { said } = await start(root);
  assert.ok(said.includes('devices 20'), said.join());
  const again = await start(root);
  const nothing = ['folder false', 'certificate', 'storage', 'people 0', 'administrator known', 'devices 20'];
  assert.deepEqual(again.said, nothing);
});
