import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall, octets, type Wall } from '@strowger/proto';
import { asModule, PHONE, type Rig, startRig } from '../../kernel/rig.ts';
import type { JournalMemory } from '../../storage/journal-memory.ts';
import { type Binding, type LocationService, location } from './api.ts';
import { locationModule } from './module.ts';

async function open(
  o: { disk?: JournalMemory; cap?: number } = {},
): Promise<{ readonly rig: Rig; readonly places: LocationService }> {
  let places: LocationService | undefined;
  const user = asModule(
    (context) => {
      places = context.use(location);
    },
    { needs: [location] },
  );
  const config = `domain: example.test\nlimits: { bindings: ${o.cap ?? 100} }`;
  const rig = await startRig({ ...o, config, modules: [locationModule, user] });
  assert.ok(places);
  return { rig, places };
}

const binding = (key: string, expiresAt: Wall, connection?: number, boot = 'boot'): Binding => ({
  key: octets`${key as never}`,
  uri: octets`sip:${key as never}@198.51.100.7`,
  params: [],
  path: [],
  received: { ...PHONE, node: 0, boot, ...(connection === undefined ? {} : { transport: 'tcp', connection }) },
  q: 1,
  callId: octets`c`,
  cseq: 1,
  registeredAt: asWall(0),
  expiresAt,
});

const AOR = { tenant: 't', extension: '1001' };
const keep = (...bindings: readonly Binding[]) => ({ keep: bindings });
const keys = (places: LocationService) => places.bindings(AOR).map(({ key }) => key);

suite('location', () => {
  test('what is kept is found, by its key and by nobody of another tenant', async () => {
    const { rig, places } = await open();
    const until = asWall(rig.wall + 60_000);
    places.update(AOR, () => keep(binding('k1', until), binding('k2', until)));
    assert.deepEqual(keys(places), ['k1', 'k2']);
    assert.equal(places.find(AOR, 'k2')?.key, 'k2');
    assert.deepEqual(places.bindings({ ...AOR, tenant: 'u' }), []);
    assert.deepEqual(places.bindings({ ...AOR, extension: '100' }), []);
  });

  test('a decision that keeps nothing new changes nothing, in memory or in the journal', async () => {
    const { rig, places } = await open();
    const until = asWall(rig.wall + 60_000);
    places.update(AOR, () => keep(binding('k1', until)));
    assert.deepEqual(
      places.update(AOR, (all): { seen: number; keep?: readonly Binding[] } => ({ seen: all.length })),
      { seen: 1 },
    );
    assert.deepEqual(keys(places), ['k1']);
  });

  test('the journal brings back what has not expired, and knows what was removed', async () => {
    const { rig, places } = await open();
    const until = asWall(rig.wall + 60_000);
    places.update(AOR, () => keep(binding('k1', until), binding('old', asWall(rig.wall - 1))));
    places.update({ ...AOR, extension: '1002' }, () => keep(binding('k2', until)));
    places.update({ ...AOR, extension: '1002' }, () => keep());
    rig.kernel.host.journal.flush();
    const again = await open({ disk: rig.disk });
    assert.deepEqual([keys(again.places), again.places.size], [['k1'], 1]);
  });

  test('what expires is invisible at once, and swept out soon; the count follows', async () => {
    const { rig, places } = await open();
    places.update(AOR, () => keep(binding('k1', asWall(rig.wall + 1000)), binding('k2', asWall(rig.wall + 9000))));
    rig.advance(999);
    assert.deepEqual(keys(places), ['k1', 'k2']);
    rig.advance(2);
    assert.deepEqual(keys(places), ['k2']);
    rig.advance(5000);
    assert.equal(places.size, 1);
    rig.advance(10_000);
    assert.equal(places.size, 0);
    assert.equal(rig.kernel.bounds.used('location.bindings'), 0);
  });

  test('the sweep reaches all of many, a part at a time', async () => {
    const { rig, places } = await open({ cap: 20_000 });
    for (let i = 0; i < 12_000; i += 1) {
      const aor = { tenant: 't', extension: String(i) };
      places.update(aor, () => keep(binding('k', asWall(rig.wall + 500))));
    }
    rig.advance(1_100);
    assert.equal(places.size, 7_000);
    rig.advance(5_000);
    assert.equal(places.size, 0);
  });

  test('room is counted exactly, also when more came back than the limit has become', async () => {
    const { rig, places } = await open({ cap: 3 });
    const until = asWall(rig.wall + 60_000);
    places.update(AOR, () => keep(binding('k1', until), binding('k2', until)));
    assert.deepEqual([places.hasRoom(1), places.hasRoom(2)], [true, false]);
    rig.kernel.host.journal.flush();
    const again = await open({ disk: rig.disk, cap: 1 });
    assert.deepEqual([again.places.size, again.places.hasRoom(1)], [2, false]);
    again.places.update(AOR, () => keep());
    assert.deepEqual([again.places.size, again.places.hasRoom(1)], [0, true]);
  });

  test('RFC 5626 a connection of another boot is no way any more', async () => {
    const { places } = await open();
    const mine = binding('k1', asWall(0), 7, places.boot);
    assert.equal(places.flowOf(mine).connection, 7);
    assert.equal(places.flowOf(binding('k1', asWall(0), 7, 'before')).connection, -1);
    assert.equal('connection' in places.flowOf(binding('k1', asWall(0))), false);
  });
});
