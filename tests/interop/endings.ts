/** Each way in which a call comes to nothing, with what the caller is told and what the record says. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { RegisterClient } from './support/register-client.ts';
import { callee, calleeCancelled, caller, expect, pause, type Step, writeScenario } from './support/scenario.ts';
import { type Cdr, Server } from './support/server.ts';
import { Sipp } from './support/sipp.ts';

const PEOPLE = Array.from({ length: 10 }, (_, i) => ({
  name: `Person ${i}`,
  extension: String(1001 + i),
  password: `secret-of-${1001 + i}-kept`,
}));

/** A caller that is told so. */
const told = (status: number): readonly Step[] => [caller.invite(), expect(status, 100, 180, 183), caller.ackFailure()];

/** A caller that waits for something and then gives up. */
const gaveUp = (...wait: readonly Step[]): readonly Step[] => [
  caller.invite(),
  ...wait,
  caller.cancel(),
  expect(200, 100, 180),
  expect(487),
  caller.ackFailure(),
];

export function endingsSuite(): void {
  suite('a call that comes to nothing', { concurrency: true, timeout: 90_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'strowger-endings-'));
    const programs: Sipp[] = [];
    let server: Server;
    let client: RegisterClient;

    before(async () => {
      server = await Server.start({
        people: PEOPLE,
        config: { trusted: ['127.0.0.1/32'], calls: { ringSeconds: 40 } },
      });
      client = await RegisterClient.open(server.port);
    });

    after(async () => {
      await Promise.all(programs.map((program) => program.stop()));
      client?.close();
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const run = (name: string, steps: readonly Step[], service?: string): Sipp => {
      const sipp = new Sipp({
        folder,
        scenario: { file: writeScenario(folder, name, steps) },
        ...(service === undefined ? {} : { server: `127.0.0.1:${server.port}`, service }),
        calls: 1,
        timeoutSeconds: 60,
      });
      programs.push(sipp);
      return sipp;
    };

    const registerAt = async (user: string, port: number): Promise<void> => {
      const password = PEOPLE.find(({ extension }) => extension === user)?.password ?? '';
      const contact = `sip:${user}@127.0.0.1:${port}`;
      const answer = await client.register({ user, password, contact, expires: 600 });
      assert.equal(answer?.status, 200);
    };

    /** The caller's and, where there is one, the callee's scenario; both must go to their end. */
    const play = async (user: string, calls: readonly Step[], answers?: readonly Step[]): Promise<Cdr> => {
      const answering = answers && run(`callee-${user}`, answers);
      if (answering) await registerAt(user, answering.port);
      const calling = run(`caller-${user}`, calls, user);
      await Promise.all([calling.done(), answering?.done()]);
      return server.cdr('sipp', user);
    };

    const ringing: readonly Step[] = [callee.receive('INVITE'), callee.ring(), pause(200)];

    test('the callee is busy: 486', async () => {
      const busy = [...ringing, callee.refuse(486, 'Busy Here'), callee.receive('ACK')];
      assert.deepEqual(summary(await play('1001', told(486), busy)), ['busy', 486, 'callee', 'callee-busy']);
    });

    test('the callee declines: 603', async () => {
      const declining = [...ringing, callee.refuse(603, 'Decline'), callee.receive('ACK')];
      assert.deepEqual(summary(await play('1002', told(603), declining)), [
        'declined',
        603,
        'callee',
        'callee-declined',
      ]);
    });

    test('the callee’s phone fails: 480, as a 5xx is about one device', async () => {
      const failing = [callee.receive('INVITE'), callee.refuse(500, 'Server Internal Error'), callee.receive('ACK')];
      const cdr = await play('1003', told(480), failing);
      assert.deepEqual([cdr.status, cdr.answered_at], [480, null]);
    });

    test('RFC 3261 §9 the caller gives up while it rings: 487, and the callee is told by CANCEL', async () => {
      const cdr = await play('1004', gaveUp(expect(180, 100), pause(300)), calleeCancelled);
      assert.deepEqual([cdr.outcome, cdr.ended_by, cdr.answered_at], ['cancelled', 'caller', null]);
      assert.ok(cdr.ringing_at !== null);
    });

    test('RFC 3261 §17.1.1.2 the callee’s phone is silent: 408 after 64·T1', async () => {
      const silent = createSocket('udp4');
      silent.bind(0, '127.0.0.1');
      await once(silent, 'listening');
      try {
        await registerAt('1005', silent.address().port);
        const cdr = await play('1005', told(408));
        assert.deepEqual(summary(cdr), ['no-response', 408, 'system', 'callee-phones-silent']);
        const seconds = (cdr.ended_at - cdr.started_at) / 1000;
        assert.ok(seconds > 31 && seconds < 34, `after ${seconds} s`);
      } finally {
        silent.close();
      }
    });

    test('RFC 3261 §9.1 the caller gives up on a silent phone: 487 at once', async () => {
      const silent = createSocket('udp4');
      silent.bind(0, '127.0.0.1');
      await once(silent, 'listening');
      try {
        await registerAt('1006', silent.address().port);
        const cdr = await play('1006', gaveUp(expect(100), pause(500)));
        assert.deepEqual([cdr.outcome, cdr.ended_by, cdr.ringing_at], ['cancelled', 'caller', null]);
      } finally {
        silent.close();
      }
    });

    test('nobody is registered: 480', async () => {
      const said = summary(await play('1007', told(480)));
      assert.deepEqual(said, ['failed', 480, 'system', 'extension-not-registered']);
    });

    test('there is no such extension: 404', async () => {
      assert.deepEqual(summary(await play('4711', told(404))), ['failed', 404, 'system', 'extension-unknown']);
    });
  });
}

const summary = ({ outcome, status, ended_by, reason }: Cdr) => [outcome, status, ended_by, reason];
