/** SIPp's own caller and callee through the B2BUA: none fails, and nothing of it is left. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { RegisterClient } from './support/register-client.ts';
import { type Health, Server } from './support/server.ts';
import { Sipp } from './support/sipp.ts';

const CALLS = 2_000;
const RATE = 100;
/** Besides, by each other way into the server. */
const OTHERS = 200;
const OTHER_RATE = 10;
const PEOPLE = [
  { name: 'Alice', extension: '1001', password: 'alice-secret-1' },
  { name: 'Bob', extension: '1002', password: 'bob-secret-2' },
];
/** RFC 3261 §17: the longest that a transaction lingers, 64·T1, and time to notice. */
const LINGER_MS = 32_000 + 4_000;

/** Its own server, so that what else is tested at the same time is not among what is left. */
export function loadSuite(): void {
  suite('SIPp -sn uac and -sn uas', { timeout: 150_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'strowger-sipp-'));
    const programs: Sipp[] = [];
    let server: Server;

    before(async () => {
      // Room for a second in which the machine does something else.
      server = await Server.start({
        people: PEOPLE,
        mediaPorts: 1_600,
        config: { trusted: ['127.0.0.1/32', '::1/128'] },
      });
    });

    after(async () => {
      await Promise.all(programs.map((program) => program.stop()));
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test(`${CALLS} calls at ${RATE} a second by UDP, ${OTHERS} each by TCP and IPv6, none failed, and no leg, port or timer left`, async (t) => {
      const total = CALLS + 2 * OTHERS;
      const uas = new Sipp({ folder, scenario: { name: 'uas' }, calls: total, timeoutSeconds: 60 });
      programs.push(uas);
      const before = server.health().timers;
      const client = await RegisterClient.open(server.port);
      const contact = `sip:1002@127.0.0.1:${uas.port}`;
      const bound = await client.register({ user: '1002', password: 'bob-secret-2', contact, expires: 600 });
      client.close();
      assert.deepEqual([bound?.status, bound?.contacts], [200, [contact]]);
      const uac = (host: '127.0.0.1' | '[::1]', transport: 'u1' | 't1', calls: number, rate: number): Sipp => {
        const to = { server: `${host}:${server.port}`, service: '1002', host, transport };
        const more = { scenario: { name: 'uac' } as const, duration: 200, timeoutSeconds: 60 };
        const program = new Sipp({ folder, ...to, ...more, calls, rate });
        programs.push(program);
        return program;
      };
      const callers = [
        uac('127.0.0.1', 'u1', CALLS, RATE),
        uac('127.0.0.1', 't1', OTHERS, OTHER_RATE),
        uac('[::1]', 'u1', OTHERS, OTHER_RATE),
      ];
      const results = [...(await Promise.all(callers.map((each) => each.done()))), await uas.done()];
      const [calls, again] = [results.map((r) => r.successful), results.map((r) => r.retransmissions)];
      t.diagnostic(`calls ${calls.join(', ')}; retransmissions by SIPp ${again.join(', ')} (UDP, TCP, IPv6, callee)`);
      assert.deepEqual(calls, [CALLS, OTHERS, OTHERS, total]);

      const idle = (h: Health): boolean => h.calls === 0 && h.dialogs === 0;
      await server.healthy('no call and no dialog is left', idle, 5_000);
      assert.deepEqual(server.openMediaPorts(), []);
      const records = server.cdrs();
      assert.equal(records.length, total);
      assert.ok(
        records.every(
          ({ outcome, status, ended_by }) => outcome === 'answered' && status === 200 && ended_by === 'caller',
        ),
      );

      const gone = (h: Health): boolean => h.clientTransactions + h.serverTransactions + h.watchedInvites === 0;
      const left = await server.healthy('no transaction is left', gone, LINGER_MS);
      assert.equal(left.timers, before, `${left.timers} timers are left; there were ${before}`);
      assert.deepEqual(
        left.bounds.filter(({ refused }) => refused > 0),
        [],
      );
    });
  });
}
