/**
 * The hash functions of digest access authentication, in TypeScript, because WebCrypto is asynchronous and has no MD5,
 * and a machine must neither wait nor import a host's library. A host may hand in faster ones as `HashFunctions`.
 */
import type { Octets } from '@strowger/proto';
import { md5 } from './md5.ts';
import { sha256, sha256After, sha256Prefix } from './sha256.ts';
import { sha512256 } from './sha512-256.ts';

/** As the `algorithm` parameter spells them (RFC 7616 §6.1). */
export type DigestAlgorithm = 'MD5' | 'SHA-256' | 'SHA-512-256';

/** A keyed hash: the same text always gives the same lower-case hex. */
export type Mac = (text: Octets) => Octets;

/** What the digest machines need of a hash library. */
export interface HashFunctions {
  /** Lower-case hex. */
  hash(algorithm: DigestAlgorithm, text: Octets): Octets;
  /** HMAC-SHA-256 under `key`, prepared once and used often. */
  mac(key: Octets): Mac;
}

/** The digest of `text` as lower-case hex. */
export function hash(algorithm: DigestAlgorithm, text: Octets): Octets {
  switch (algorithm) {
    case 'MD5':
      return littleEndianHex(md5(text));
    case 'SHA-256':
      return hex(sha256(text));
    case 'SHA-512-256':
      return hex(sha512256(text));
  }
}

/** HMAC-SHA-256 (RFC 2104), the key's two blocks read once: half the work of each message. */
export function hmacSha256(key: Octets): Mac {
  const short = key.length > 64 ? raw(sha256(key)) : key;
  const inner = sha256Prefix(masked(short, 0x36));
  const outer = sha256Prefix(masked(short, 0x5c));
  return (text) => hex(sha256After(outer, 64, raw(sha256After(inner, 64, text))));
}

/** The functions of this file, for whoever has none of the host's. */
export const HASHES: HashFunctions = { hash, mac: hmacSha256 };

function masked(key: Octets, mask: number): Octets {
  const codes = new Array<number>(64).fill(mask);
  for (let i = 0; i < key.length; i += 1) codes[i] = key.charCodeAt(i) ^ mask;
  return String.fromCharCode(...codes) as Octets;
}

function raw(words: Int32Array): Octets {
  let out = '';
  for (const w of words) out += String.fromCharCode((w >>> 24) & 255, (w >>> 16) & 255, (w >>> 8) & 255, w & 255);
  return out as Octets;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hex(words: Int32Array): Octets {
  let out = '';
  for (const w of words) out += `${HEX[w >>> 24]}${HEX[(w >>> 16) & 255]}${HEX[(w >>> 8) & 255]}${HEX[w & 255]}`;
  return out as Octets;
}

function littleEndianHex(words: Int32Array): Octets {
  let out = '';
  for (const w of words) out += `${HEX[w & 255]}${HEX[(w >>> 8) & 255]}${HEX[(w >>> 16) & 255]}${HEX[w >>> 24]}`;
  return out as Octets;
}
