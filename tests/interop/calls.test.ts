/** Two phones that nobody here wrote call each other and hear each other: over UDP and TCP, IPv4 and IPv6, and mixed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addedGap, Capture, captureSkip, heardBy } from './support/capture.ts';
import {
  call,
  checkRecordings,
  type Established,
  HIGH,
  hangUp,
  type Line,
  LONGEST_GAP_MS,
  LOW,
  type Pair,
  PEOPLE,
  startPair,
  TCP,
  TCP6,
  UDP,
  UDP6,
} from './support/pair.ts';
import { peer } from './support/peers.ts';
import { stopPrograms } from './support/program.ts';
import { type Cdr, Server } from './support/server.ts';

const { skip } = peer('baresip');
const TALK_MS = 10_200;

suite('baresip calls baresip', { skip, timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-phones-'));
  let server: Server;

  before(async () => {
    server = await Server.start({ people: PEOPLE });
  });

  after(async () => {
    await stopPrograms();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const pair = (index: number, lines: [Line, Line]): Promise<Pair> => startPair(server, folder, index, lines);

  /** Ten seconds, a hang-up, and all that should be true of it. */
  const talk = async (t: TestContext, index: number, lines: [Line, Line], by: 'caller' | 'callee'): Promise<void> => {
    const two = await pair(index, lines);
    const dialled = Date.now();
    const began = await call(two);
    await sleep(TALK_MS);
    const over = await hangUp(two, by);
    await sleep(300);
    const heard = checkRecordings(two, began, over);
    t.diagnostic(`missing of ${heard.caller.upMs} ms: ${heard.caller.missingMs} and ${heard.callee.missingMs} ms`);
    checkRecord(await server.cdr(two.callerUser, two.calleeUser), { dialled, began, over, by });
  };

  suite('all at once', { concurrency: true }, () => {
    test('over UDP; the caller hangs up', (t) => talk(t, 0, [UDP, UDP], 'caller'));
    test('over TCP; the callee hangs up', (t) => talk(t, 2, [TCP, TCP], 'callee'));
    test('over UDP and IPv6; the caller hangs up', (t) => talk(t, 4, [UDP6, UDP6], 'caller'));
    test('from UDP and IPv4 to TCP and IPv6; the callee hangs up', (t) => talk(t, 6, [UDP, TCP6], 'callee'));

    test('RFC 3264 §8.4 the caller holds and resumes over UDP', { skip: captureSkip() }, (t) =>
      holdAndResume(t, server, () => pair(8, [UDP, UDP]), 'caller'),
    );
    test('RFC 3264 §8.4 the callee holds and resumes over TCP', { skip: captureSkip() }, (t) =>
      holdAndResume(t, server, () => pair(10, [TCP, TCP6]), 'callee'),
    );
  });

  test('when all have hung up, no call, dialog or port is left', async () => {
    await server.healthy('no call is left', ({ calls, dialogs }) => calls === 0 && dialogs === 0, 5_000);
    assert.deepEqual(server.openMediaPorts(), []);
    assert.equal(server.cdrs().length, PEOPLE.length / 2 - (captureSkip() === false ? 0 : 2));
  });
});

interface Story {
  readonly dialled: number;
  readonly began: Established;
  readonly over: Established;
  readonly by: 'caller' | 'callee';
}

/** The record tells what happened, when, and through whom. */
function checkRecord(cdr: Cdr, { dialled, began, over, by }: Story): void {
  assert.deepEqual(
    { outcome: cdr.outcome, status: cdr.status, endedBy: cdr.ended_by, reason: cdr.reason },
    { outcome: 'answered', status: 200, endedBy: by, reason: `${by}-hung-up` },
  );
  const times = [dialled, cdr.started_at, cdr.ringing_at, cdr.answered_at, cdr.ended_at];
  assert.ok(
    times.every((time, i) => time !== null && time >= (times[i - 1] ?? 0)),
    `out of order: ${JSON.stringify(times)}`,
  );
  // What the phones say of the same moments, on the same clock.
  assert.ok(
    Math.abs((cdr.answered_at ?? 0) - began.callee.at) < 500,
    `answered ${cdr.answered_at}, ${began.callee.at}`,
  );
  assert.ok(Math.abs(cdr.ended_at - over[by].at) < 500, `ended ${cdr.ended_at}, ${over[by].at}`);
}

/** Three seconds each of talk, hold and talk again; what went over the wire to each phone is the judge. */
async function holdAndResume(
  t: TestContext,
  server: Server,
  start: () => Promise<Pair>,
  by: 'caller' | 'callee',
): Promise<void> {
  const two = await start();
  const capture = await Capture.start(two.caller.audio, two.callee.audio);
  await call(two);
  const marks = [Date.now()];
  for (const step of ['hold', 'resume'] as const) {
    await sleep(3_000);
    marks.push(Date.now());
    await two[by][step]();
    await sleep(300);
    marks.push(Date.now());
  }
  await sleep(3_000);
  marks.push(Date.now());
  await hangUp(two, by === 'caller' ? 'callee' : 'caller');
  const packets = await capture.stop();

  for (const [phone, other, wanted, own] of [
    [two.caller, two.callee, HIGH, LOW],
    [two.callee, two.caller, LOW, HIGH],
  ] as const) {
    const { user } = phone.options;
    const between = (from = 0, to = 0) => heardBy(packets, phone.audio, { from, to }, [wanted, own]);
    for (const [from = 0, to = 0] of [marks.slice(0, 2), marks.slice(4, 6)]) {
      const heard = between(from, to);
      assert.ok((heard.tones.get(wanted) ?? 0) >= 145, `${user} hears ${JSON.stringify([...heard.tones])}`);
      assert.equal(heard.tones.get(own), 0, `${user} hears itself`);
      const added = addedGap(packets, other.audio, phone.audio, { from, to });
      assert.ok(added <= LONGEST_GAP_MS, `${user}: ${heard.gapMs} ms without a packet, ${added} ms more than sent`);
    }
    assert.equal(between(marks[2], marks[3]).packets, 0, `${user} hears something while held`);
    t.diagnostic(`${user}: longest gap ${between(marks[4], marks[5]).gapMs.toFixed(1)} ms after the hold`);
  }
  const { outcome, ended_by } = await server.cdr(two.callerUser, two.calleeUser);
  assert.deepEqual([outcome, ended_by], ['answered', by === 'caller' ? 'callee' : 'caller']);
}
