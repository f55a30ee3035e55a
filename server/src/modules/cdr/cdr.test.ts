import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall, octets } from '@strowger/proto';
import { because } from '../../kernel/reason.ts';
import { asModule, type Rig, startRig } from '../../kernel/rig.ts';
import type { JournalMemory } from '../../storage/journal-memory.ts';
import { type CallsService, calls, type EndedCall } from '../calls/api.ts';
import { cdrModule } from './module.ts';
import { rowOf } from './row.ts';
import type { CdrRow } from './store.ts';

const ended = (id: string, o: Partial<EndedCall> = {}): EndedCall => ({
  id,
  tenant: 't',
  phase: 'ended',
  caller: { kind: 'device', number: '1001' },
  callee: { kind: 'device', number: '1002' },
  times: { start: asWall(1), ring: asWall(2), answer: asWall(3), end: asWall(9) },
  callId: octets`c@x`,
  end: { by: 'caller', cause: 'hung-up', reason: because('caller-hung-up') },
  legs: [{ leg: 'b1' }],
  ...o,
});

/** A store that can be told to fail, and calls that end when told. */
async function open(o: { disk?: JournalMemory; fail?: boolean } = {}) {
  const written: (readonly [string, CdrRow])[] = [];
  const store = { fail: o.fail ?? false, slow: [] as (() => void)[], hold: false };
  let end: (call: EndedCall) => void = () => {};
  const rig: Rig = await startRig({
    ...o,
    store: () => ({
      insert: (tenant: string, row: CdrRow) => {
        if (store.fail) return Promise.reject(new Error('STORE_DOWN'));
        written.push([tenant, row]);
        return store.hold ? new Promise<void>((resolve) => store.slow.push(resolve)) : Promise.resolve();
      },
    }),
    modules: [
      asModule(
        (context) =>
          context.provide(calls, {
            onEnded: (listener: (call: EndedCall) => void) => {
              end = listener;
            },
          } as CallsService),
        { name: 'calls', offers: [calls] },
      ),
      cdrModule,
    ],
  });
  const settle = async () => {
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    rig.kernel.host.journal.flush();
  };
  const kept = () => [...(rig.disk.records.get('cdr.unwritten')?.keys() ?? [])];
  return { rig, store, written, settle, kept, end: (call: EndedCall) => end(call) };
}

suite('cdr', () => {
  test('an ended call is written for its tenant, and then the journal lets go of it', async () => {
    const { rig, written, settle, kept, end } = await open();
    end(ended('1'));
    rig.kernel.host.journal.flush();
    assert.deepEqual(kept(), ['1'], 'kept from the turn it ended in');
    await settle();
    assert.deepEqual(
      written.map(([tenant, { id, outcome, endedBy }]) => [tenant, id, outcome, endedBy]),
      [['t', '1', 'answered', 'caller']],
    );
    assert.deepEqual([kept(), rig.kernel.bounds.used('cdr.unwritten')], [[], 0]);
  });

  test('while the store fails everything is kept; said once a try; written when it can be', async () => {
    const { rig, store, written, settle, kept, end } = await open({ fail: true });
    for (let i = 0; i < 200; i += 1) end(ended(String(i)));
    await settle();
    assert.equal(kept().length, 200);
    assert.deepEqual(rig.events(), ['cdr-not-written']);
    rig.advance(5_000);
    await settle();
    assert.deepEqual(rig.events(), ['cdr-not-written', 'cdr-not-written']);
    store.fail = false;
    end(ended('new'));
    await settle();
    assert.deepEqual(
      written.map(([, { id }]) => id),
      ['new'],
      'those that failed keep nobody else waiting',
    );
    rig.advance(5_000);
    await settle();
    await settle();
    await settle();
    await settle();
    assert.equal(new Set(written.map(([, { id }]) => id)).size, 201);
    assert.deepEqual([kept(), rig.kernel.bounds.used('cdr.unwritten'), rig.wheel.size], [[], 0, 0]);
  });

  test('only so many are under way at once', async () => {
    const { store, written, settle, end } = await open();
    store.hold = true;
    for (let i = 0; i < 200; i += 1) end(ended(String(i)));
    await settle();
    assert.equal(written.length, 64);
    for (const done of store.slow.splice(0, 10)) done();
    await settle();
    assert.equal(written.length, 74);
  });

  test('what a crash left unwritten is written by the next start', async () => {
    const before = await open({ fail: true });
    before.end(ended('1'));
    await before.settle();
    const { written, settle, kept } = await open({ disk: before.rig.disk });
    await settle();
    assert.deepEqual(
      written.map(([, { id }]) => id),
      ['1'],
    );
    assert.deepEqual(kept(), []);
  });
});

suite('cdr, an ended call as a row', () => {
  const unanswered = { start: asWall(1), end: asWall(9) };
  const cases: readonly (readonly [string, Partial<EndedCall>, Partial<CdrRow>])[] = [
    ['answered', {}, { outcome: 'answered', status: 200, answeredAt: asWall(3), endedAt: asWall(9) }],
    [
      'cancelled',
      { times: unanswered, end: { by: 'caller', cause: 'cancelled', reason: because('x') } },
      { outcome: 'cancelled', endedBy: 'caller' },
    ],
    [
      'busy',
      { times: unanswered, end: { by: 'callee', cause: 'busy', status: 486, reason: because('x') } },
      { outcome: 'busy', status: 486, endedBy: 'callee' },
    ],
    [
      'declined',
      { times: unanswered, end: { by: 'callee', cause: 'rejected', status: 603, reason: because('x') } },
      { outcome: 'declined' },
    ],
    [
      'silent',
      { times: unanswered, end: { by: 'network', cause: 'no-response', status: 408, reason: because('x') } },
      { outcome: 'no-response', endedBy: 'system' },
    ],
    [
      'no media',
      { times: unanswered, end: { by: 'server', cause: 'no-media', status: 503, reason: because('no-media') } },
      { outcome: 'failed', endedBy: 'system', reason: 'no-media' },
    ],
  ];
  for (const [name, change, expected] of cases) {
    test(name, () => {
      const row = rowOf(ended('1', change));
      const found = Object.fromEntries(Object.keys(expected).map((key) => [key, row[key as keyof CdrRow]]));
      assert.deepEqual(found, expected);
    });
  }
});
