/**
 * One record of the journal as bytes. Everything a merge must know stands before the JSON, so that merging parses none.
 *
 *   u32 length of what follows the checksum · u32 CRC-32 of that · f64 until (0: for ever) · u8 1 when deleted ·
 *   u16 length of space · u16 length of key · space · key · JSON          (little-endian, texts in UTF-8)
 */
import { crc32 } from 'node:zlib';

export const FILE_MAGIC: Buffer = Buffer.from('STRWJ1\r\n', 'latin1');
export const FRAME_HEAD = 8;
const FIXED = 13;
/** Far above any dialog; what claims to be longer is damage. */
export const MAX_FRAME: number = 16 * 1024 * 1024;

/** A record where it lies. */
export interface Frame {
  readonly space: string;
  readonly key: string;
  /** 0: for ever. */
  readonly until: number;
  readonly deleted: boolean;
  /** Whole frame, head included. */
  readonly bytes: Buffer;
  readonly json: Buffer;
}

/** The bytes a frame takes at most; cheap, never too small (UTF-8 takes three bytes for a UTF-16 unit at most). */
export function frameBound(space: string, key: string, json: string): number {
  return FRAME_HEAD + FIXED + 3 * (space.length + key.length + json.length);
}

/** Writes a frame at `at`, where `frameBound` bytes are free, and returns the offset after it. */
export function writeFrame(into: Buffer, at: number, space: string, key: string, json: string, until: number): number {
  const body = at + FRAME_HEAD;
  let end = body + FIXED;
  const spaceLength = into.write(space, end, 'utf8');
  end += spaceLength;
  const keyLength = into.write(key, end, 'utf8');
  end += keyLength;
  if (spaceLength > 0xffff || keyLength > 0xffff) throw new RangeError('a journal key is longer than 65535 bytes');
  end += into.write(json, end, 'utf8');
  into.writeDoubleLE(until, body);
  into[body + 8] = json === '' ? 1 : 0;
  into.writeUInt16LE(spaceLength, body + 9);
  into.writeUInt16LE(keyLength, body + 11);
  into.writeUInt32LE(end - body, at);
  into.writeUInt32LE(crc32(into.subarray(body, end)), at + 4);
  return end;
}

export type FrameAt =
  | { readonly kind: 'frame'; readonly frame: Frame; readonly next: number }
  /** The file ends inside this frame, or with bytes that were never written: what a crash leaves. */
  | { readonly kind: 'torn' }
  /** Bytes that were written once and are no longer what they were. */
  | { readonly kind: 'corrupt' };

/** Reads the frame at `at`, which is before the end of `from`. */
export function readFrame(from: Buffer, at: number): FrameAt {
  if (from.length - at < FRAME_HEAD) return { kind: 'torn' };
  const length = from.readUInt32LE(at);
  const body = at + FRAME_HEAD;
  const end = body + length;
  const sound = length >= FIXED && length <= MAX_FRAME;
  if (!sound || end > from.length) {
    if (sound) return { kind: holdsFrame(from, at + 1) ? 'corrupt' : 'torn' };
    // After a loss of power a file may be longer than what reached it: the rest is zeros.
    return isZero(from, at) ? { kind: 'torn' } : { kind: 'corrupt' };
  }
  const spaceEnd = body + FIXED + from.readUInt16LE(body + 9);
  const keyEnd = spaceEnd + from.readUInt16LE(body + 11);
  if (crc32(from.subarray(body, end)) !== from.readUInt32LE(at + 4) || keyEnd > end) {
    return end === from.length || isZero(from, end) ? { kind: 'torn' } : { kind: 'corrupt' };
  }
  const frame: Frame = {
    space: from.toString('utf8', body + FIXED, spaceEnd),
    key: from.toString('utf8', spaceEnd, keyEnd),
    until: from.readDoubleLE(body),
    deleted: from[body + 8] === 1,
    bytes: from.subarray(at, end),
    json: from.subarray(keyEnd, end),
  };
  return { kind: 'frame', frame, next: end };
}

/**
 * Whether a sound frame lies anywhere after `start`: then the file did not end there, and it is a length that was
 * damaged. Bounded, since what lies there may be anything.
 */
function holdsFrame(bytes: Buffer, start: number): boolean {
  let budget = 32 * 1024 * 1024;
  for (let at = start; at + FRAME_HEAD + FIXED <= bytes.length && budget > 0; at += 1) {
    budget -= 1;
    const length = bytes.readUInt32LE(at);
    const body = at + FRAME_HEAD;
    if (length < FIXED || body + length > bytes.length || (bytes[body + 8] ?? 2) > 1) continue;
    if (FIXED + bytes.readUInt16LE(body + 9) + bytes.readUInt16LE(body + 11) > length) continue;
    budget -= length;
    if (crc32(bytes.subarray(body, body + length)) === bytes.readUInt32LE(at + 4)) return true;
  }
  return false;
}

function isZero(bytes: Buffer, from: number): boolean {
  for (let i = from; i < bytes.length; i += 1) if (bytes[i] !== 0) return false;
  return true;
}
