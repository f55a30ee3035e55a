/** SIGTERM in the middle of a call: phones are told, the record is written, and nothing is left running. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RawPhone } from '../support/raw-phone.ts';
import { freePort, mediaPorts, startServer } from '../support/server.ts';

suite('an orderly end', () => {
  test('in the middle of a call: BYE to both, the record in the database, and no process left', async () => {
    const port = await freePort();
    const server = await startServer(`domain: example.test
listen: ["udp://127.0.0.1:${port}"]
media: { address: 127.0.0.1, ports: ${mediaPorts()} }
people:
  - { name: Alice, extension: "1001", password: secret-1001 }
  - { name: Bob, extension: "1002", password: secret-1002 }
`);
    const open = (user: string) =>
      RawPhone.open({
        server: { address: '127.0.0.1', port },
        domain: 'example.test',
        user,
        password: `secret-${user}`,
      });
    const [alice, bob] = [await open('1001'), await open('1002')];
    try {
      assert.match(await bob.register(), /^SIP\/2\.0 200 /);
      const answering = bob.answerCall();
      await alice.call('1002');
      await answering;
      const pids = server.pids();
      process.kill(pids.supervisor, 'SIGTERM');
      for (const phone of [alice, bob]) {
        phone.respond(await phone.expect('BYE', (text) => text.startsWith('BYE ')), '200 OK');
      }
      for (let i = 0; i < 500 && lives(pids.supervisor); i += 1) await delay(10);
      assert.match(server.output(), /Strowger has stopped\.$/m);
      assert.ok(!existsSync(join(server.folder, 'run/signalling.pid')));
      assert.deepEqual([lives(pids.signalling), lives(pids.media)], [false, false]);
      using database = new DatabaseSync(join(server.folder, 'strowger.db'), { readOnly: true });
      const rows = database.prepare('SELECT caller, callee, outcome, ended_by, reason FROM cdrs').all();
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        [{ caller: '1001', callee: '1002', outcome: 'answered', ended_by: 'system', reason: 'server-stops' }],
      );
    } finally {
      alice.close();
      bob.close();
      assert.ok(await server.stop());
    }
  });
});

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
