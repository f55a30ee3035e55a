import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { suite, test } from 'node:test';
import { fromBytes, type Octets } from '@strowger/proto';
import fc from 'fast-check';
import { type DigestAlgorithm, hash, hmacSha256 } from './hash.ts';

const NAMES = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const;
const ALGORITHMS = Object.keys(NAMES) as DigestAlgorithm[];
const oracle = (algorithm: DigestAlgorithm, bytes: Uint8Array) =>
  createHash(NAMES[algorithm]).update(bytes).digest('hex');

suite('hash functions', () => {
  test('RFC 1321 §A.5 and FIPS 180-4: the digests of nothing and of abc', () => {
    assert.equal(hash('MD5', '' as Octets), 'd41d8cd98f00b204e9800998ecf8427e');
    assert.equal(hash('MD5', 'abc' as Octets), '900150983cd24fb0d6963f7d28e17f72');
    assert.equal(hash('SHA-256', 'abc' as Octets), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.equal(
      hash('SHA-512-256', 'abc' as Octets),
      '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23',
    );
  });

  for (const algorithm of ALGORITHMS) {
    test(`${algorithm} agrees with OpenSSL on every length up to 400 and some long ones`, () => {
      for (const length of [...Array(401).keys(), 1023, 4096, 65_537]) {
        const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + length * 31 + 13) & 255);
        assert.equal(hash(algorithm, fromBytes(bytes)), oracle(algorithm, bytes), `length ${length}`);
      }
    });

    test(`${algorithm} agrees with OpenSSL on any octets`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          assert.equal(hash(algorithm, fromBytes(bytes)), oracle(algorithm, bytes));
        }),
      );
    });
  }

  test('RFC 2104 HMAC-SHA-256 agrees with OpenSSL for keys below, at and above a block', () => {
    for (const size of [0, 1, 32, 63, 64, 65, 200]) {
      const key = Uint8Array.from({ length: size }, (_, i) => (i * 7 + size) & 255);
      const mac = hmacSha256(fromBytes(key));
      for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 500]) {
        const bytes = Uint8Array.from({ length }, (_, i) => (i * 3 + 1) & 255);
        assert.equal(mac(fromBytes(bytes)), createHmac('sha256', key).update(bytes).digest('hex'), `${size}/${length}`);
      }
    }
  });
});
