/** Lines of a stream, bounded, in linear time however the bytes come. */
import { StringDecoder } from 'node:string_decoder';

/** A request for sixteen streams or a page of bridges is far shorter. */
export const MAX_LINE: number = 1024 * 1024;
/** What may wait for a peer that reads slowly. */
export const MAX_QUEUED_BYTES: number = 8 * 1024 * 1024;

export class LineReader {
  readonly #decoder = new StringDecoder('utf8');
  #parts: string[] = [];
  #length = 0;
  /** A line was longer than `MAX_LINE`: nothing more is read. */
  broken = false;

  push(chunk: Uint8Array | string): readonly string[] {
    if (this.broken) return [];
    const lines: string[] = [];
    const text = typeof chunk === 'string' ? chunk : this.#decoder.write(chunk);
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.#add(text.slice(from, at));
      from = at + 1;
      if (this.broken) return lines;
      const line = this.#parts.join('');
      this.#parts = [];
      this.#length = 0;
      if (line !== '') lines.push(line);
    }
    this.#add(text.slice(from));
    return lines;
  }

  #add(part: string): void {
    if (part === '') return;
    this.#length += part.length;
    if (this.#length <= MAX_LINE) {
      this.#parts.push(part);
    } else {
      this.broken = true;
      this.#parts = [];
    }
  }
}
