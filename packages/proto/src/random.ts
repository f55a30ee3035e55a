/** Where unguessable bytes come from: the operating system in a host, a seed in a test. */
export interface Random {
  /** Fills `into` and returns it. */
  fill<T extends Uint8Array>(into: T): T;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** `bytes` random bytes as lower-case hex: safe as a token everywhere in SIP. */
export function randomHex(random: Random, bytes: number): string {
  let out = '';
  for (const byte of random.fill(new Uint8Array(bytes))) out += HEX[byte];
  return out;
}
