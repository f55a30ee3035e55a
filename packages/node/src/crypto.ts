import { createHash, hash } from 'node:crypto';
import type { Octets } from '@strowger/proto';
import { type DigestAlgorithm, HASHES, type HashFunctions } from '@strowger/sip/auth';
import { toBuffer } from './bytes.ts';

/** OpenSSL's names. */
const NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

/** Whether this OpenSSL does it: one in FIPS mode has no MD5, which SIP cannot do without (RFC 8760 §2.1). */
function isAvailable(algorithm: DigestAlgorithm): boolean {
  try {
    createHash(NAMES[algorithm]);
    return true;
  } catch {
    return false;
  }
}

const available = new Set((Object.keys(NAMES) as DigestAlgorithm[]).filter(isAvailable));

/** The digest machines' hash functions by OpenSSL; what it lacks is done in TypeScript. */
export const systemHashes: HashFunctions = {
  hash: (algorithm, text) =>
    available.has(algorithm) ? (hash(NAMES[algorithm], toBuffer(text), 'hex') as Octets) : HASHES.hash(algorithm, text),
  // OpenSSL reads the key anew for each text; the one in TypeScript has it prepared and is as fast.
  mac: HASHES.mac,
};
