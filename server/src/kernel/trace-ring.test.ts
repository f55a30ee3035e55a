import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall, type Flow, type Octets } from '@strowger/proto';
import { TraceRing } from './trace-ring.ts';

const flow: Flow = {
  transport: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '2001:db8::7', port: 5062 },
};

suite('trace ring', () => {
  test('what was written is read back, oldest first', () => {
    const ring = new TraceRing(100_000);
    ring.message('received', asWall(1), flow, 'INVITE \xff' as Octets);
    ring.why(asWall(2), 'call-1', '{"code":"x"}' as Octets);
    assert.deepEqual(
      [...ring.records()],
      [
        { kind: 'received', at: 1, label: 'udp 192.0.2.1:5060 [2001:db8::7]:5062', text: 'INVITE \xff' },
        { kind: 'why', at: 2, label: 'call-1', text: '{"code":"x"}' },
      ],
    );
  });

  test('when it is full the oldest give way and the newest are all there, in order', () => {
    const ring = new TraceRing(70_000);
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % n;
    };
    const written: number[] = [];
    for (let i = 0; i < 5000; i += 1) {
      ring.message('sent', asWall(i), flow, 'x'.repeat(random(4000)) as Octets);
      written.push(i);
      if (i % 100 !== 99) continue;
      const kept = [...ring.records()].map(({ at }) => Number(at));
      assert.ok(kept.length > 10, `kept ${kept.length}`);
      assert.deepEqual(kept, written.slice(-kept.length));
    }
  });

  test('a message beyond the limit keeps its beginning and sweeps nothing else out', () => {
    const ring = new TraceRing(200_000);
    ring.message('received', asWall(1), flow, 'first' as Octets);
    ring.message('received', asWall(2), flow, 'y'.repeat(1_000_000) as Octets);
    const [first, second] = [...ring.records()];
    assert.equal(first?.text, 'first');
    assert.equal(second?.text.length, 16_384);
  });
});
