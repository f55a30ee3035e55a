/** What a recording holds: which tone sounds when, and for how long it does not. */
import { readFileSync, writeFileSync } from 'node:fs';

export const FRAME_MS = 20;

export interface Sound {
  readonly rate: number;
  readonly samples: Int16Array;
}

/** Writes a sine as 16 bit mono. */
export function writeTone(path: string, hertz: number, seconds: number, rate = 8_000): void {
  const samples = new Int16Array(seconds * rate);
  for (let i = 0; i < samples.length; i += 1) samples[i] = 16_000 * Math.sin((2 * Math.PI * hertz * i) / rate);
  const data = Buffer.from(samples.buffer);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  writeFileSync(path, Buffer.concat([head, data]));
}

/** Reads 16 bit mono. A recorder that was killed leaves lengths of 0 or too much: what is there counts. */
export function readSound(path: string): Sound {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 4) !== 'RIFF') throw new Error(`${path} is no WAV file`);
  let rate = 0;
  for (let at = 12; at + 8 <= file.length; ) {
    const name = file.toString('latin1', at, at + 4);
    const size = file.readUInt32LE(at + 4);
    if (name === 'fmt ') {
      rate = file.readUInt32LE(at + 12);
      if (file.readUInt16LE(at + 10) !== 1 || file.readUInt16LE(at + 22) !== 16)
        throw new Error(`${path}: not mono s16`);
    }
    if (name === 'data') {
      const end = Math.min(file.length, size === 0 ? file.length : at + 8 + size);
      const bytes = file.subarray(at + 8, at + 8 + 2 * Math.floor((end - at - 8) / 2));
      return { rate, samples: new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error(`${path} has no sound`);
}

/** How much of a stretch's energy lies at a frequency: 1 is a pure tone, 0 none of it (Goertzel). */
export function share(samples: Int16Array, rate: number, hertz: number): number {
  let [s1, s2, energy] = [0, 0, 0];
  const k = 2 * Math.cos((2 * Math.PI * hertz) / rate);
  for (const x of samples) {
    energy += x * x;
    [s1, s2] = [x + k * s1 - s2, s1];
  }
  if (energy === 0) return 0;
  return (2 * (s1 * s1 + s2 * s2 - k * s1 * s2)) / (samples.length * energy);
}

/** Per frame the tone that sounds, of those asked for; undefined is silence or something else. */
export function tonesOf(sound: Sound, tones: readonly number[]): readonly (number | undefined)[] {
  const size = (sound.rate * FRAME_MS) / 1000;
  const out: (number | undefined)[] = [];
  for (let at = 0; at + size <= sound.samples.length; at += size) {
    const frame = sound.samples.subarray(at, at + size);
    const loud = frame.some((x) => Math.abs(x) > 1_000);
    out.push(loud ? tones.find((hertz) => share(frame, sound.rate, hertz) > 0.8) : undefined);
  }
  return out;
}

export interface Hearing {
  /** How long each of the tones sounds in all. */
  readonly ms: ReadonlyMap<number, number>;
  /** The longest stretch between the first and last frame of the wanted tone in which it does not sound. */
  readonly gapMs: number;
  /** From its first to its last frame. */
  readonly spanMs: number;
  readonly totalMs: number;
}

/** What was heard, with the gaps in the first of the tones. */
export function hearingOf(sound: Sound, wanted: number, others: readonly number[]): Hearing {
  const frames = tonesOf(sound, [wanted, ...others]);
  const ms = new Map<number, number>([wanted, ...others].map((hertz) => [hertz, 0]));
  for (const hertz of frames) if (hertz !== undefined) ms.set(hertz, (ms.get(hertz) ?? 0) + FRAME_MS);
  const first = frames.indexOf(wanted);
  const last = frames.lastIndexOf(wanted);
  let [gap, longest] = [0, 0];
  for (let i = first; i >= 0 && i <= last; i += 1) {
    gap = frames[i] === wanted ? 0 : gap + FRAME_MS;
    longest = Math.max(longest, gap);
  }
  return {
    ms,
    gapMs: longest,
    spanMs: first < 0 ? 0 : (last - first + 1) * FRAME_MS,
    totalMs: (sound.samples.length / sound.rate) * 1000,
  };
}
