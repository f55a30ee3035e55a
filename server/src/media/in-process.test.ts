import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatSocketAddress, type SocketAddress, TimerWheel } from '@strowger/proto';
import { VirtualClock, VirtualNetwork } from '@strowger/testkit';
import { createInProcessMedia } from './in-process.ts';
import { DEFAULT_OPTIONS } from './options.ts';
import type { MediaEvent, StreamLocal } from './port.ts';
import { rtpPacket } from './test-udp.ts';

const remote = (address: string) => ({ address, port: 4000, rtcpPort: 4001 });

/** Two phones and a third host on the virtual network; 10 s of talk, then hang-up. Everything that happened, as text. */
async function run(seed: number): Promise<{ readonly heard: Record<string, number>; readonly text: string }> {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed, conditions: { loss: 0.2, duplicate: 0.05, reorder: 0.1 } });
  const relay = network.host('relay', '192.0.2.1', '2001:db8::1');
  const wheel = new TimerWheel(clock.now());
  const ticker = relay.createTicker(wheel);
  const udp = relay.createUdpSet();
  const deps = { udp, clock, wheel, random: relay.random, options: DEFAULT_OPTIONS, poke: () => ticker.poke() };
  const media = createInProcessMedia(deps);
  const port = media.control();
  const events: MediaEvent[] = [];
  port.onEvent((event) => events.push(event));

  const heard: Record<string, number> = { alice: 0, bob: 0, eve: 0 };
  const phone = async (name: string, address: string) => {
    const set = network.host(name, address).createUdpSet();
    set.onBatch((batch) => {
      heard[name] = (heard[name] ?? 0) + batch.length;
    });
    const socket = await set.bind({ address, port: 4000 });
    return (seq: number, ssrc: number, to: SocketAddress) => set.send(socket, rtpPacket(seq, ssrc), to);
  };
  const alice = await phone('alice', '198.51.100.7');
  const bob = await phone('bob', '2001:db8:7::b');
  const eve = await phone('eve', '203.0.113.66');

  const legs = { a: { bind: '192.0.2.1' }, b: { bind: '2001:db8::1' } };
  const local = await port.allocate({ bridge: 'one', legs, streams: 1 });
  const [a, b] = [local.a[0] as StreamLocal, local.b[0] as StreamLocal];
  await port.connect({ bridge: 'one', leg: 'a', source: '198.51.100.7', streams: [remote('198.51.100.7')] });
  await port.connect({ bridge: 'one', leg: 'b', source: '2001:db8:7::b', streams: [remote('2001:db8:7::b')] });
  for (let seq = 0; seq < 500; seq += 1) {
    alice(seq, 7, a);
    bob(seq, 8, b);
    eve(seq, 9, a);
    await clock.run(20);
  }
  await clock.run(11_000);
  const stats = await port.release('one');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['up', 'idle', 'idle'],
  );
  assert.equal(wheel.size, 0);
  assert.equal(media.server.counters().ports.inUse, 0);
  return { heard, text: JSON.stringify([stats, heard, formatSocketAddress(a), formatSocketAddress(b)]) };
}

suite('media in this process, on the virtual network', () => {
  test('20 % loss, duplicates, reordering: audio passes, a third host hears nothing, and a seed replays bit for bit', async () => {
    for (const seed of [1, 2, 3]) {
      const { heard, text } = await run(seed);
      assert.equal(heard.eve, 0, `seed ${seed}`);
      assert.ok((heard.alice ?? 0) > 250 && (heard.bob ?? 0) > 250, `seed ${seed}: ${text}`);
      assert.equal((await run(seed)).text, text, `seed ${seed}`);
    }
  });
});
