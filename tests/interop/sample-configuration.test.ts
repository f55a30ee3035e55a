/** The configuration that the documentation shows works as it stands, on the ports that it names. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Phone } from './support/baresip.ts';
import { call, checkRecordings, HIGH, hangUp, type Line, LOW, type Pair, UDP, UDP6 } from './support/pair.ts';
import { peer } from './support/peers.ts';
import { portsInUse } from './support/ports.ts';
import { stopPrograms } from './support/program.ts';
import { DOMAIN, Server } from './support/server.ts';

const SAMPLE = new URL('../../examples/example.yaml', import.meta.url);
const MEDIA = { first: 30_000, last: 30_999 };

/** The ports are the configuration's, so somebody else may have one. */
function taken(): string | false {
  const used = new Set([...portsInUse('udp'), ...portsInUse('tcp')]);
  const ports = [5060, 5061, 8443].filter((port) => used.has(port));
  return ports.length > 0 && `port ${ports.join(', ')} is in use on this machine`;
}

const skip = peer('baresip').skip || taken();

suite('the sample configuration', { skip, timeout: 60_000 }, () => {
  test('as it stands: Alice and Bob register over IPv4 and IPv6, call each other and hear each other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strowger-sample-'));
    const server = await Server.startWith({ yaml: readFileSync(SAMPLE, 'utf8'), port: 5060, media: MEDIA });
    try {
      const start = async (user: string, password: string, line: Line, tone: number): Promise<Phone> => {
        const phone = await Phone.start({
          folder,
          user,
          password,
          domain: DOMAIN,
          server: { ...line, port: 5060 },
          tone,
        });
        await phone.registered();
        return phone;
      };
      const alice = await start('1001', 'alice-secret-1', UDP, LOW);
      const bob = await start('1002', 'bob-secret-2', UDP6, HIGH);
      const pair: Pair = { caller: alice, callee: bob, callerUser: '1001', calleeUser: '1002' };
      const began = await call(pair);
      await sleep(2_000);
      checkRecordings(pair, began, await settled(hangUp(pair, 'caller')));
      assert.equal((await server.cdr('1001', '1002')).outcome, 'answered');
    } finally {
      await stopPrograms();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** A recording is closed shortly after its call. */
async function settled<T>(result: Promise<T>): Promise<T> {
  const value = await result;
  await sleep(300);
  return value;
}
