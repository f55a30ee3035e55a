/**
 * What goes over loopback, with the time of each packet: what a phone hears, whatever it makes of it. (baresip 1.0.0
 * stops its recording at the first hold, and leaves out what did not come; a capture shows both.)
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { peer } from './peers.ts';
import type { PortRange } from './ports.ts';
import { Program } from './program.ts';
import { share } from './tone.ts';

export interface RtpPacket {
  /** Wall time, ms. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly ssrc: number;
  readonly payloadType: number;
  readonly payload: Buffer;
}

/** Why there can be no capture here, as node:test wants it. */
export function captureSkip(): string | false {
  const { skip } = peer('tshark');
  if (skip !== false) return skip;
  return process.getuid?.() === 0 ? false : 'capturing packets on loopback needs root';
}

export class Capture {
  readonly #folder: string;
  readonly #program: Program;

  private constructor(folder: string, program: Program) {
    this.#folder = folder;
    this.#program = program;
  }

  /** Captures UDP to or from these ports. */
  static async start(...ranges: readonly PortRange[]): Promise<Capture> {
    const folder = mkdtempSync(join(tmpdir(), 'strowger-capture-'));
    const filter = ranges.map(({ first, last }) => `udp portrange ${first}-${last}`).join(' or ');
    const file = join(folder, 'packets.pcap');
    const args = ['-i', 'lo', '-F', 'pcap', '-q', '-f', filter, '-w', file];
    const program = new Program('tshark', peer('tshark').path, args);
    await program.until('it captures', (output) => output.includes('Capturing on'));
    for (let i = 0; i < 50 && sizeOf(file) === 0; i += 1) await sleep(50);
    return new Capture(folder, program);
  }

  /** Ends it; the RTP among what came, in order. */
  async stop(): Promise<readonly RtpPacket[]> {
    await sleep(300); // tshark reads in batches.
    this.#program.child.kill('SIGINT');
    await this.#program.exit(5_000);
    const packets = readPackets(readFileSync(join(this.#folder, 'packets.pcap')));
    rmSync(this.#folder, { recursive: true, force: true });
    return packets;
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

const ETHERNET = 14;

/** The RTP packets of a pcap file of Ethernet frames (loopback poses as such). */
export function readPackets(file: Buffer): readonly RtpPacket[] {
  if (file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1) throw new Error('not pcap of Ethernet');
  const out: RtpPacket[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    const time = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
    const frame = file.subarray(at + 16, at + 16 + length);
    const packet = readRtp(frame, time);
    if (packet) out.push(packet);
    at += 16 + length;
  }
  return out;
}

function readRtp(frame: Buffer, at: number): RtpPacket | undefined {
  const version = (frame[ETHERNET] ?? 0) >> 4;
  const udp = ETHERNET + (version === 6 ? 40 : ((frame[ETHERNET] ?? 0) & 15) * 4);
  if (frame.length < udp + 8 + 12) return undefined;
  const rtp = frame.subarray(udp + 8);
  const payloadType = (rtp[1] ?? 0) & 127;
  // 64–95 is RTCP (RFC 5761 §4).
  if ((rtp[0] ?? 0) >> 6 !== 2 || (payloadType >= 64 && payloadType <= 95)) return undefined;
  return {
    at,
    from: frame.readUInt16BE(udp),
    to: frame.readUInt16BE(udp + 2),
    ssrc: rtp.readUInt32BE(8),
    payloadType,
    payload: rtp.subarray(12 + ((rtp[0] ?? 0) & 15) * 4),
  };
}

/** G.711 µ-law to samples. */
export function fromMulaw(payload: Uint8Array): Int16Array {
  return Int16Array.from(payload, (octet) => {
    const code = ~octet & 255;
    const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
    return code & 128 ? -magnitude : magnitude;
  });
}

export interface Heard {
  readonly packets: number;
  /** Packets in which each tone sounds. */
  readonly tones: ReadonlyMap<number, number>;
  /** The longest time without a packet between `from` and `to`. */
  readonly gapMs: number;
  readonly ssrcs: number;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What came to a phone's ports in a stretch of time. */
export function heardBy(packets: readonly RtpPacket[], ports: PortRange, span: Span, tones: readonly number[]): Heard {
  const own = packets.filter(({ at, to }) => within(ports, to) && at >= span.from && at <= span.to);
  const counts = new Map(tones.map((hertz) => [hertz, 0]));
  for (const { payload } of own) {
    const samples = fromMulaw(payload);
    const hertz = tones.find((each) => share(samples, 8_000, each) > 0.8);
    if (hertz !== undefined) counts.set(hertz, (counts.get(hertz) ?? 0) + 1);
  }
  return {
    packets: own.length,
    tones: counts,
    gapMs: longestGap(own, span),
    ssrcs: new Set(own.map(({ ssrc }) => ssrc)).size,
  };
}

/** How much longer a phone heard nothing than the other phone said nothing: a phone that stammers is not the server's fault. */
export function addedGap(packets: readonly RtpPacket[], speaker: PortRange, listener: PortRange, span: Span): number {
  const inTime = packets.filter(({ at }) => at >= span.from && at <= span.to);
  const said = inTime.filter(({ from }) => within(speaker, from));
  const heard = inTime.filter(({ to }) => within(listener, to));
  return longestGap(heard, span) - longestGap(said, span);
}

const within = ({ first, last }: PortRange, port: number): boolean => port >= first && port <= last;

function longestGap(packets: readonly RtpPacket[], { from, to }: Span): number {
  let gap = 0;
  let before = from;
  for (const { at } of packets) {
    gap = Math.max(gap, at - before);
    before = at;
  }
  return Math.max(gap, to - before);
}
