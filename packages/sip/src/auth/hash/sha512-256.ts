/**
 * SHA-512/256, FIPS 180-4 §5.3.6.2 and §6.7, over octets. A 64-bit word is two 32-bit halves, high one first: BigInt
 * would cost an allocation for each of the thousands of additions in a block.
 */
import type { Octets } from '@strowger/proto';

// biome-ignore format: a table
const K = new Int32Array([
  0x428a2f98, 0xd728ae22, 0x71374491, 0x23ef65cd, 0xb5c0fbcf, 0xec4d3b2f, 0xe9b5dba5, 0x8189dbbc,
  0x3956c25b, 0xf348b538, 0x59f111f1, 0xb605d019, 0x923f82a4, 0xaf194f9b, 0xab1c5ed5, 0xda6d8118,
  0xd807aa98, 0xa3030242, 0x12835b01, 0x45706fbe, 0x243185be, 0x4ee4b28c, 0x550c7dc3, 0xd5ffb4e2,
  0x72be5d74, 0xf27b896f, 0x80deb1fe, 0x3b1696b1, 0x9bdc06a7, 0x25c71235, 0xc19bf174, 0xcf692694,
  0xe49b69c1, 0x9ef14ad2, 0xefbe4786, 0x384f25e3, 0x0fc19dc6, 0x8b8cd5b5, 0x240ca1cc, 0x77ac9c65,
  0x2de92c6f, 0x592b0275, 0x4a7484aa, 0x6ea6e483, 0x5cb0a9dc, 0xbd41fbd4, 0x76f988da, 0x831153b5,
  0x983e5152, 0xee66dfab, 0xa831c66d, 0x2db43210, 0xb00327c8, 0x98fb213f, 0xbf597fc7, 0xbeef0ee4,
  0xc6e00bf3, 0x3da88fc2, 0xd5a79147, 0x930aa725, 0x06ca6351, 0xe003826f, 0x14292967, 0x0a0e6e70,
  0x27b70a85, 0x46d22ffc, 0x2e1b2138, 0x5c26c926, 0x4d2c6dfc, 0x5ac42aed, 0x53380d13, 0x9d95b3df,
  0x650a7354, 0x8baf63de, 0x766a0abb, 0x3c77b2a8, 0x81c2c92e, 0x47edaee6, 0x92722c85, 0x1482353b,
  0xa2bfe8a1, 0x4cf10364, 0xa81a664b, 0xbc423001, 0xc24b8b70, 0xd0f89791, 0xc76c51a3, 0x0654be30,
  0xd192e819, 0xd6ef5218, 0xd6990624, 0x5565a910, 0xf40e3585, 0x5771202a, 0x106aa070, 0x32bbd1b8,
  0x19a4c116, 0xb8d2d0c8, 0x1e376c08, 0x5141ab53, 0x2748774c, 0xdf8eeb99, 0x34b0bcb5, 0xe19b48a8,
  0x391c0cb3, 0xc5c95a63, 0x4ed8aa4a, 0xe3418acb, 0x5b9cca4f, 0x7763e373, 0x682e6ff3, 0xd6b2b8a3,
  0x748f82ee, 0x5defb2fc, 0x78a5636f, 0x43172f60, 0x84c87814, 0xa1f0ab72, 0x8cc70208, 0x1a6439ec,
  0x90befffa, 0x23631e28, 0xa4506ceb, 0xde82bde9, 0xbef9a3f7, 0xb2c67915, 0xc67178f2, 0xe372532b,
  0xca273ece, 0xea26619c, 0xd186b8c7, 0x21c0c207, 0xeada7dd6, 0xcde0eb1e, 0xf57d4f7f, 0xee6ed178,
  0x06f067aa, 0x72176fba, 0x0a637dc5, 0xa2c898a6, 0x113f9804, 0xbef90dae, 0x1b710b35, 0x131c471b,
  0x28db77f5, 0x23047d84, 0x32caab7b, 0x40c72493, 0x3c9ebe0a, 0x15c9bebc, 0x431d67c4, 0x9c100d4c,
  0x4cc5d4be, 0xcb3e42b6, 0x597f299c, 0xfc657e2a, 0x5fcb6fab, 0x3ad6faec, 0x6c44198c, 0x4a475817,
]);

// biome-ignore format: a table
const INITIAL = new Int32Array([
  0x22312194, 0xfc2bf72c, 0x9f555fa3, 0xc84c64c2, 0x2393b86b, 0x6f53b151, 0x96387719, 0x5940eabd,
  0x96283ee2, 0xa88effe3, 0xbe5e1e25, 0x53863992, 0x2b0199fc, 0x2c85b8aa, 0x0eb72ddc, 0x81c52ca2,
]);

const state = new Int32Array(16);
/** The message schedule. Shared: nothing here calls out while it is in use. */
const W = new Int32Array(160);
/** The eight working variables a…h, shifted along by one pair in every round. */
const V = new Int32Array(16);

/** The eight words of the digest, big-endian: the first half of the SHA-512 state. */
export function sha512256(text: Octets): Int32Array {
  state.set(INITIAL);
  let at = 0;
  for (; at + 128 <= text.length; at += 128) {
    for (let i = 0, p = at; i < 32; i += 1, p += 4) {
      W[i] =
        (text.charCodeAt(p) << 24) |
        (text.charCodeAt(p + 1) << 16) |
        (text.charCodeAt(p + 2) << 8) |
        text.charCodeAt(p + 3);
    }
    block();
  }
  pad(text, at);
  return state.slice(0, 8);
}

function pad(text: Octets, from: number): void {
  const rest = text.length - from;
  W.fill(0, 0, 32);
  for (let i = 0; i < rest; i += 1) W[i >> 2] = (W[i >> 2] ?? 0) | (text.charCodeAt(from + i) << (24 - ((i & 3) << 3)));
  W[rest >> 2] = (W[rest >> 2] ?? 0) | (0x80 << (24 - ((rest & 3) << 3)));
  if (rest >= 112) {
    block();
    W.fill(0, 0, 32);
  }
  W[30] = text.length >>> 29;
  W[31] = text.length << 3;
  block();
}

/** What a sum of unsigned low halves carries into the high half. */
const carry = (sum: number): number => (sum / 0x1_0000_0000) | 0;

function schedule(): void {
  for (let i = 32; i < 160; i += 2) {
    const xh = W[i - 30] as number;
    const xl = W[i - 29] as number;
    const yh = W[i - 4] as number;
    const yl = W[i - 3] as number;
    const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
    const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
    const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
    const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
    const low = ((W[i - 31] as number) >>> 0) + (s0l >>> 0) + ((W[i - 13] as number) >>> 0) + (s1l >>> 0);
    W[i] = (W[i - 32] as number) + s0h + (W[i - 14] as number) + s1h + carry(low);
    W[i + 1] = low;
  }
}

function block(): void {
  schedule();
  V.set(state);
  for (let i = 0; i < 160; i += 2) round(i);
  for (let i = 0; i < 16; i += 2) {
    const low = ((state[i + 1] as number) >>> 0) + ((V[i + 1] as number) >>> 0);
    state[i] = (state[i] as number) + (V[i] as number) + carry(low);
    state[i + 1] = low;
  }
}

function round(i: number): void {
  const ah = V[0] as number;
  const al = V[1] as number;
  const eh = V[8] as number;
  const el = V[9] as number;
  const s1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
  const s1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
  const chh = (V[12] as number) ^ (eh & ((V[10] as number) ^ (V[12] as number)));
  const chl = (V[13] as number) ^ (el & ((V[11] as number) ^ (V[13] as number)));
  const t1 =
    ((V[15] as number) >>> 0) + (s1l >>> 0) + (chl >>> 0) + ((K[i + 1] as number) >>> 0) + ((W[i + 1] as number) >>> 0);
  const t1h = ((V[14] as number) + s1h + chh + (K[i] as number) + (W[i] as number) + carry(t1)) | 0;
  const t1l = t1 | 0;
  const s0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
  const s0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
  const bh = V[2] as number;
  const bl = V[3] as number;
  const low = (t1l >>> 0) + (s0l >>> 0) + (((al & bl) | ((V[5] as number) & (al | bl))) >>> 0);
  const high = t1h + s0h + ((ah & bh) | ((V[4] as number) & (ah | bh))) + carry(low);
  const next = ((V[7] as number) >>> 0) + (t1l >>> 0);
  const nextHigh = (V[6] as number) + t1h + carry(next);
  V.copyWithin(2, 0, 14);
  V[0] = high;
  V[1] = low;
  V[8] = nextHigh;
  V[9] = next;
}
