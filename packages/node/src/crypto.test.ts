import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fromBytes, octets } from '@strowger/proto';
import { HASHES } from '@strowger/sip/auth';
import { systemHashes } from './crypto.ts';

/** All octets, so that a conversion to UTF-8 on the way would show. */
const text = (length: number) => fromBytes(Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff));

suite('hash functions by node:crypto', () => {
  for (const algorithm of ['MD5', 'SHA-256', 'SHA-512-256'] as const) {
    test(`${algorithm} agrees with the one in TypeScript, octet for octet`, () => {
      for (let length = 0; length < 300; length += 1) {
        assert.equal(systemHashes.hash(algorithm, text(length)), HASHES.hash(algorithm, text(length)), `${length}`);
      }
    });
  }

  test('RFC 2104 the keyed hash agrees, for keys shorter and longer than a block', () => {
    for (const length of [0, 1, 32, 64, 65, 200]) {
      const [ours, theirs] = [systemHashes.mac(text(length)), HASHES.mac(text(length))];
      for (const message of [octets``, octets`nonce`, text(256)]) assert.equal(ours(message), theirs(message));
      assert.equal(ours(octets`again`), theirs(octets`again`));
    }
  });
});
