/** SHA-256, FIPS 180-4 §6.2, over octets. */
import type { Octets } from '@strowger/proto';

// biome-ignore format: a table
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

// biome-ignore format: a table
const INITIAL = new Int32Array([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

const state = new Int32Array(8);
/** The message schedule. Shared: nothing here calls out while it is in use. */
const W = new Int32Array(64);

/** The eight words of the digest, big-endian. */
export function sha256(text: Octets): Int32Array {
  return sha256After(INITIAL, 0, text);
}

/** The state after whole blocks, to go on from: how HMAC reads its key once and not for every message. */
export function sha256Prefix(blocks: Octets): Int32Array {
  state.set(INITIAL);
  for (let at = 0; at + 64 <= blocks.length; at += 64) readBlock(blocks, at);
  return Int32Array.from(state);
}

/** The digest of a text that stands behind `before` octets, whose state `sha256Prefix` gave. */
export function sha256After(from: Int32Array, before: number, text: Octets): Int32Array {
  state.set(from);
  let at = 0;
  for (; at + 64 <= text.length; at += 64) readBlock(text, at);
  pad(text, at, before + text.length);
  return Int32Array.from(state);
}

function readBlock(text: Octets, at: number): void {
  for (let i = 0, p = at; i < 16; i += 1, p += 4) {
    W[i] =
      (text.charCodeAt(p) << 24) |
      (text.charCodeAt(p + 1) << 16) |
      (text.charCodeAt(p + 2) << 8) |
      text.charCodeAt(p + 3);
  }
  block();
}

function pad(text: Octets, from: number, total: number): void {
  const rest = text.length - from;
  W.fill(0, 0, 16);
  for (let i = 0; i < rest; i += 1) W[i >> 2] = (W[i >> 2] ?? 0) | (text.charCodeAt(from + i) << (24 - ((i & 3) << 3)));
  W[rest >> 2] = (W[rest >> 2] ?? 0) | (0x80 << (24 - ((rest & 3) << 3)));
  if (rest >= 56) {
    block();
    W.fill(0, 0, 16);
  }
  W[14] = total >>> 29;
  W[15] = total << 3;
  block();
}

function schedule(): void {
  for (let i = 16; i < 64; i += 1) {
    const x = W[i - 15] as number;
    const y = W[i - 2] as number;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = ((W[i - 16] as number) + s0 + (W[i - 7] as number) + s1) | 0;
  }
}

function block(): void {
  schedule();
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + (K[i] as number) + (W[i] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}
