import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fromBytes, type Octets, own } from '@strowger/proto';
import { parseMessage } from './index.ts';

const COUNT = 10_000;
const encoder = new TextEncoder();

function collect(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}

/** A datagram of about 3 kB, no two alike, made as a receiver makes it. */
function datagram(i: number, callId: string): Octets {
  return fromBytes(
    encoder.encode(`OPTIONS sip:a@b SIP/2.0\r\nCall-ID: ${callId}\r\nSubject: ${`${i}-`.repeat(600)}\r\n\r\n`),
  );
}

function held(make: (i: number) => string, keep: (text: Octets) => Octets): number {
  const kept: Octets[] = [];
  const before = collect();
  for (let i = 0; i < COUNT; i += 1) {
    const outcome = parseMessage(datagram(i, make(i)));
    if (outcome.kind === 'message') kept.push(keep(outcome.message.callId));
  }
  const bytes = (collect() - before) / COUNT;
  assert.equal(kept.length, COUNT);
  return bytes;
}

suite('what is owned keeps no datagram alive', () => {
  for (const length of [1, 4, 12, 13, 14, 40, 200]) {
    test(`ARCHITECTURE, Words: 10,000 owned Call-IDs of ${length} octets`, () => {
      const bytes = held((i) => `${i}`.padStart(length, 'x').slice(-length), own);
      assert.ok(bytes < 2 * length + 200, `${bytes} bytes each`);
    });
  }

  test('ARCHITECTURE, Words: a slice does keep it, which is why there is `own`', () => {
    assert.ok(
      held(
        (i) => `${i}`.padStart(40, 'x'),
        (text) => text,
      ) > 2000,
    );
  });
});
