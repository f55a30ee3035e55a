import { randomFillSync } from 'node:crypto';
import type { Random } from '@strowger/proto';

const POOL = 4096;

/**
 * The operating system's random bytes, fetched a page at a time: a call to the kernel costs more than the bytes, and a
 * branch wants eight. Bytes that were given are wiped, so that a heap dump does not hold tokens.
 */
export function createRandom(): Random {
  const pool = new Uint8Array(POOL);
  let used = POOL;

  return {
    fill(into) {
      const { byteLength } = into;
      const target = new Uint8Array(into.buffer, into.byteOffset, byteLength);
      if (byteLength > POOL / 4) {
        randomFillSync(target);
        return into;
      }
      if (used + byteLength > POOL) {
        randomFillSync(pool);
        used = 0;
      }
      target.set(pool.subarray(used, used + byteLength));
      pool.fill(0, used, used + byteLength);
      used += byteLength;
      return into;
    },
  };
}

/** One for the process: the pool is shared on purpose. */
export const systemRandom: Random = createRandom();
