/** `kill -9` in mid-call: of signalling, which nobody may hear, and of media, which comes back by itself; then SIGTERM. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addedGap, Capture, captureSkip, heardBy, type RtpPacket } from './support/capture.ts';
import {
  call,
  checkRecordings,
  type Established,
  HIGH,
  hangUp,
  LONGEST_GAP_MS,
  LOW,
  type Pair,
  PEOPLE,
  startPair,
  TCP,
  UDP,
  UDP6,
} from './support/pair.ts';
import { peer } from './support/peers.ts';
import { stopPrograms } from './support/program.ts';
import { DOMAIN, Server } from './support/server.ts';

const { skip } = peer('baresip');
/** What a listener has to bear while media is started again and calls are set up in it anew. */
const LONGEST_MEDIA_GAP_MS = 4_000;

interface Call {
  readonly pair: Pair;
  readonly began: Established;
}

suite('kill -9 in mid-call', { skip, timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-phones-'));
  let server: Server;
  let pairs: readonly Pair[] = [];

  before(async () => {
    server = await Server.start({ people: PEOPLE });
    pairs = await Promise.all([
      startPair(server, folder, 0, [UDP, UDP]),
      startPair(server, folder, 2, [TCP, UDP6]),
      startPair(server, folder, 4, [UDP, TCP]),
      startPair(server, folder, 6, [UDP, UDP6]),
      startPair(server, folder, 8, [UDP, TCP]),
    ]);
  });

  after(async () => {
    await stopPrograms();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const begin = (some: readonly Pair[]): Promise<readonly Call[]> =>
    Promise.all(some.map(async (pair) => ({ pair, began: await call(pair) })));

  test('of signalling: nobody hears it, and either side can hang up afterwards', async (t) => {
    const some = pairs.slice(0, 2);
    const ears = some.flatMap(({ caller, callee }) => [caller.audio, callee.audio]);
    const capture = captureSkip() === false ? await Capture.start(...ears) : undefined;
    const calls = await begin(some);
    await sleep(1_000);
    const from = Date.now();
    await sleep(2_000);
    const back = await server.kill('signalling');
    t.diagnostic(`signalling was back after ${back.toFixed(0)} ms`);
    await sleep(3_000);
    const to = Date.now();
    const ends = await Promise.all(calls.map(({ pair }, i) => hangUp(pair, i === 0 ? 'caller' : 'callee')));
    await sleep(300);
    const packets = await capture?.stop();
    for (const [i, { pair, began }] of calls.entries()) {
      const over = ends[i];
      assert.ok(over);
      if (packets) {
        const [{ audio: a }, { audio: b }] = [pair.caller, pair.callee];
        const gaps = [addedGap(packets, b, a, { from, to }), addedGap(packets, a, b, { from, to })];
        assert.ok(Math.max(...gaps) <= LONGEST_GAP_MS, `gaps of ${gaps.join(' and ')} ms more than in what was sent`);
      }
      const { caller, callee } = checkRecordings(pair, began, over, packets && 3 * LONGEST_GAP_MS);
      t.diagnostic(`missing of ${caller.upMs} ms: ${caller.missingMs} and ${callee.missingMs} ms`);
      const cdr = await server.cdr(pair.callerUser, pair.calleeUser);
      assert.deepEqual([cdr.outcome, cdr.status, cdr.ended_by], ['answered', 200, i === 0 ? 'caller' : 'callee']);
      assert.ok(Math.abs((cdr.answered_at ?? 0) - began.callee.at) < 500, 'when it was answered has been lost');
      assert.ok(Math.abs(cdr.ended_at - over.caller.at) < 1_000, 'when it ended is wrong');
    }
    await nothingLeft(server);
  });

  test('of media: audio comes back by itself, on the same ports', { skip: captureSkip() }, async (t) => {
    const [pair] = pairs.slice(2, 3);
    assert.ok(pair);
    const capture = await Capture.start(pair.caller.audio, pair.callee.audio);
    await begin([pair]);
    await sleep(2_000);
    const killed = Date.now();
    const back = await server.kill('media');
    t.diagnostic(`media was back after ${back.toFixed(0)} ms`);
    await sleep(4_500);
    const over = Date.now();
    await hangUp(pair, 'callee');
    checkInterruption(t, pair, await capture.stop(), { killed, over });
    const { outcome, ended_by } = await server.cdr(pair.callerUser, pair.calleeUser);
    assert.deepEqual([outcome, ended_by], ['answered', 'callee']);
    await nothingLeft(server);
  });

  test('of signalling: a call can be held and resumed afterwards', { skip: captureSkip() }, async () => {
    const [pair] = pairs.slice(4, 5);
    assert.ok(pair);
    const { caller, callee } = pair;
    await begin([pair]);
    await server.kill('signalling');
    const capture = await Capture.start(caller.audio, callee.audio);
    await callee.hold();
    await sleep(500);
    const held = { from: Date.now(), to: Date.now() + 1_000 };
    await sleep(1_000);
    await callee.resume();
    await sleep(500);
    const resumed = { from: Date.now(), to: Date.now() + 1_000 };
    await sleep(1_100);
    await hangUp(pair, 'callee');
    const packets = await capture.stop();
    for (const [phone, wanted] of [
      [caller, HIGH],
      [callee, LOW],
    ] as const) {
      const { user } = phone.options;
      assert.equal(heardBy(packets, phone.audio, held, []).packets, 0, `${user} hears something while held`);
      const heard = heardBy(packets, phone.audio, resumed, [wanted]).tones.get(wanted) ?? 0;
      assert.ok(heard >= 45, `${user} hears ${heard} packets of ${wanted} Hz in a second`);
    }
    await nothingLeft(server);
  });

  test('of both at once: audio comes back, and the call ends right', { skip: captureSkip() }, async (t) => {
    const [pair] = pairs.slice(3, 4);
    assert.ok(pair);
    const capture = await Capture.start(pair.caller.audio, pair.callee.audio);
    await begin([pair]);
    await sleep(2_000);
    const killed = Date.now();
    await Promise.all([server.kill('signalling'), server.kill('media')]);
    await sleep(4_500);
    const over = Date.now();
    await hangUp(pair, 'caller');
    checkInterruption(t, pair, await capture.stop(), { killed, over });
    const { outcome, ended_by } = await server.cdr(pair.callerUser, pair.calleeUser);
    assert.deepEqual([outcome, ended_by], ['answered', 'caller']);
    await nothingLeft(server);
  });

  test('SIGTERM instead: both phones are told by BYE, and it ends with exit code 0', async () => {
    const [pair] = pairs.slice(4, 5);
    assert.ok(pair);
    const { caller, callee } = pair;
    const before = [caller.events.length, callee.events.length] as const;
    await caller.dial(`sip:${pair.calleeUser}@${DOMAIN}`);
    await Promise.all([caller.event('CALL_ESTABLISHED', before[0]), callee.event('CALL_ESTABLISHED', before[1])]);
    server.program.child.kill('SIGTERM');
    await Promise.all([caller.event('CALL_CLOSED', before[0]), callee.event('CALL_CLOSED', before[1])]);
    assert.equal(await server.program.exit(10_000), 0);
    const record = server.cdrs().at(-1);
    assert.deepEqual([record?.outcome, record?.ended_by, record?.reason], ['answered', 'system', 'server-stops']);
  });
});

async function nothingLeft(server: Server): Promise<void> {
  await server.healthy('no call is left', ({ calls, dialogs }) => calls === 0 && dialogs === 0, 5_000);
  assert.deepEqual(server.openMediaPorts(), []);
}

/** One bounded gap, and after it the other's tone from the ports it came from before. */
function checkInterruption(
  t: TestContext,
  { caller, callee }: Pair,
  packets: readonly RtpPacket[],
  { killed, over }: { readonly killed: number; readonly over: number },
): void {
  for (const [phone, other, wanted, own] of [
    [caller, callee, HIGH, LOW],
    [callee, caller, LOW, HIGH],
  ] as const) {
    const { user } = phone.options;
    const { gapMs } = heardBy(packets, phone.audio, { from: killed - 500, to: over }, [wanted]);
    t.diagnostic(`${user} heard nothing for ${gapMs.toFixed(0)} ms`);
    assert.ok(gapMs < LONGEST_MEDIA_GAP_MS, `${user} heard nothing for ${gapMs} ms`);
    const end = { from: over - 1_000, to: over - 50 };
    const later = heardBy(packets, phone.audio, end, [wanted, own]);
    assert.ok((later.tones.get(wanted) ?? 0) >= 40, `${user} hears ${JSON.stringify([...later.tones])} afterwards`);
    assert.equal(later.tones.get(own), 0, `${user} hears itself`);
    const added = addedGap(packets, other.audio, phone.audio, end);
    assert.ok(
      added <= LONGEST_GAP_MS,
      `${user}: ${later.gapMs} ms without a packet afterwards, ${added} ms more than sent`,
    );
    const sources = packets
      .filter(({ to }) => to >= phone.audio.first && to <= phone.audio.last)
      .map(({ from }) => from);
    assert.equal(new Set(sources).size, 1, `${user} is spoken to from ports ${[...new Set(sources)].join(', ')}`);
  }
}
