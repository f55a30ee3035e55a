/** MD5, RFC 1321, over octets. Broken for signatures; in digest access authentication it is what most phones know. */
import type { Octets } from '@strowger/proto';

// biome-ignore format: a table
const T = new Int32Array([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]);

const state = new Int32Array(4);
/** One block, read from the text. Shared: nothing here calls out while it is in use. */
const M = new Int32Array(16);

/** The four words of the digest, little-endian as RFC 1321 §3.5 puts them out. */
export function md5(text: Octets): Int32Array {
  const { length } = text;
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  let at = 0;
  for (; at + 64 <= length; at += 64) {
    for (let i = 0, p = at; i < 16; i += 1, p += 4) {
      M[i] =
        text.charCodeAt(p) |
        (text.charCodeAt(p + 1) << 8) |
        (text.charCodeAt(p + 2) << 16) |
        (text.charCodeAt(p + 3) << 24);
    }
    block();
  }
  pad(text, at);
  return Int32Array.from(state);
}

function pad(text: Octets, from: number): void {
  const rest = text.length - from;
  M.fill(0);
  for (let i = 0; i < rest; i += 1) M[i >> 2] = (M[i >> 2] ?? 0) | (text.charCodeAt(from + i) << ((i & 3) << 3));
  M[rest >> 2] = (M[rest >> 2] ?? 0) | (0x80 << ((rest & 3) << 3));
  if (rest >= 56) {
    block();
    M.fill(0);
  }
  M[14] = text.length << 3;
  M[15] = text.length >>> 29;
  block();
}

/** RFC 1321 §3.4, four steps a turn so that a, b, c and d need not change places. */
function block(): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  for (let i = 0; i < 16; i += 4) {
    a = round(a + (d ^ (b & (c ^ d))), i, i, 7, b);
    d = round(d + (c ^ (a & (b ^ c))), i + 1, i + 1, 12, a);
    c = round(c + (b ^ (d & (a ^ b))), i + 2, i + 2, 17, d);
    b = round(b + (a ^ (c & (d ^ a))), i + 3, i + 3, 22, c);
  }
  for (let i = 0; i < 16; i += 4) {
    a = round(a + (c ^ (d & (b ^ c))), 16 + i, 5 * i + 1, 5, b);
    d = round(d + (b ^ (c & (a ^ b))), 17 + i, 5 * i + 6, 9, a);
    c = round(c + (a ^ (b & (d ^ a))), 18 + i, 5 * i + 11, 14, d);
    b = round(b + (d ^ (a & (c ^ d))), 19 + i, 5 * i, 20, c);
  }
  for (let i = 0; i < 16; i += 4) {
    a = round(a + (b ^ c ^ d), 32 + i, 3 * i + 5, 4, b);
    d = round(d + (a ^ b ^ c), 33 + i, 3 * i + 8, 11, a);
    c = round(c + (d ^ a ^ b), 34 + i, 3 * i + 11, 16, d);
    b = round(b + (c ^ d ^ a), 35 + i, 3 * i + 14, 23, c);
  }
  for (let i = 0; i < 16; i += 4) {
    a = round(a + (c ^ (b | ~d)), 48 + i, 7 * i, 6, b);
    d = round(d + (b ^ (a | ~c)), 49 + i, 7 * i + 7, 10, a);
    c = round(c + (a ^ (d | ~b)), 50 + i, 7 * i + 14, 15, d);
    b = round(b + (d ^ (c | ~a)), 51 + i, 7 * i + 5, 21, c);
  }
  state[0] = (a + (state[0] as number)) | 0;
  state[1] = (b + (state[1] as number)) | 0;
  state[2] = (c + (state[2] as number)) | 0;
  state[3] = (d + (state[3] as number)) | 0;
}

function round(sum: number, step: number, word: number, shift: number, add: number): number {
  const x = (sum + (M[word & 15] as number) + (T[step] as number)) | 0;
  return (((x << shift) | (x >>> (32 - shift))) + add) | 0;
}
