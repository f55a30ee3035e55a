/**
 * The trace ring: every message that came or went, and why each request was treated as it was, for the views to come.
 * It lives outside V8's heap in one buffer of fixed size, the oldest giving way, so that keeping it costs a copy and
 * no garbage. Nothing is formatted until somebody reads.
 *
 *   record: u32 length of all · u8 kind · f64 wall · u16 n, n octets of label · the octets of the text
 */
import { Buffer } from 'node:buffer';
import type { Flow, Octets, Wall } from '@strowger/proto';
import { assumeOctets, asWall, formatSocketAddress } from '@strowger/proto';

export type TraceKind = 'received' | 'sent' | 'why';

export interface TraceRecord {
  readonly kind: TraceKind;
  readonly at: Wall;
  /** `udp 192.0.2.1:5060 198.51.100.7:5060`: transport, our end, the peer's. Of a `why`, the Call-ID. */
  readonly label: string;
  readonly text: Octets;
}

const KINDS: readonly TraceKind[] = ['received', 'sent', 'why'];
const HEAD = 4 + 1 + 8 + 2;
/** A record larger than this keeps its beginning: one huge message must not sweep out a thousand others. */
const MAX_TEXT = 16_384;

export class TraceRing {
  readonly #buffer: Buffer;
  /** Where the next record goes, and where the oldest begins. Equal means empty. */
  #head = 0;
  #tail = 0;
  /** Where the records before the wrap end. */
  #end = 0;
  #lastFlow: Flow | undefined;
  #lastLabel = '';

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 4 * MAX_TEXT));
  }

  message(kind: 'received' | 'sent', at: Wall, flow: Flow, text: Octets): void {
    if (flow !== this.#lastFlow) {
      this.#lastLabel = `${flow.transport} ${formatSocketAddress(flow.local)} ${formatSocketAddress(flow.remote)}`;
      this.#lastFlow = flow;
    }
    this.#write(kind, at, this.#lastLabel, text);
  }

  why(at: Wall, callId: string, text: Octets): void {
    this.#write('why', at, callId, text);
  }

  /** Oldest first. The records are copies. */
  *records(): Generator<TraceRecord> {
    let at = this.#tail;
    while (at !== this.#head) {
      if (at === this.#end && this.#head < this.#tail) {
        at = 0;
        continue;
      }
      const length = this.#buffer.readUInt32LE(at);
      const labelLength = this.#buffer.readUInt16LE(at + 13);
      const label = this.#buffer.toString('latin1', at + HEAD, at + HEAD + labelLength);
      const text = assumeOctets(this.#buffer.toString('latin1', at + HEAD + labelLength, at + length));
      yield {
        kind: KINDS[this.#buffer[at + 4] ?? 0] ?? 'why',
        at: asWall(this.#buffer.readDoubleLE(at + 5)),
        label,
        text,
      };
      at += length;
    }
  }

  #write(kind: TraceKind, at: Wall, label: string, text: Octets): void {
    const labelLength = Math.min(label.length, 512);
    const textLength = Math.min(text.length, MAX_TEXT);
    const length = HEAD + labelLength + textLength;
    this.#makeRoom(length);
    const to = this.#head;
    this.#buffer.writeUInt32LE(length, to);
    this.#buffer[to + 4] = KINDS.indexOf(kind);
    this.#buffer.writeDoubleLE(at, to + 5);
    this.#buffer.writeUInt16LE(labelLength, to + 13);
    this.#buffer.write(label, to + HEAD, labelLength, 'latin1');
    this.#buffer.write(text, to + HEAD + labelLength, textLength, 'latin1');
    this.#head = to + length;
  }

  /** Moves the tail past what the next `length` octets overwrite, wrapping when the end of the buffer is too near. */
  #makeRoom(length: number): void {
    const size = this.#buffer.length;
    if (this.#head + length >= size) {
      // What lies between head and the end is the oldest: it goes before the head wraps.
      if (this.#tail > this.#head) this.#tail = 0;
      this.#end = this.#head;
      this.#head = 0;
      if (this.#tail === 0) this.#tail = this.#skip(0);
    }
    while (this.#tail > this.#head && this.#tail < this.#head + length + 1) {
      this.#tail = this.#skip(this.#tail);
      if (this.#tail >= this.#end) {
        this.#tail = 0;
        break;
      }
    }
  }

  #skip(at: number): number {
    return at >= this.#end ? 0 : at + this.#buffer.readUInt32LE(at);
  }
}
