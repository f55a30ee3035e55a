/** The framing of baresip's control socket: `LENGTH:{json},`. */

/** Gives whole texts out of a stream of pieces; what is no netstring is an error. */
export class NetstringReader {
  #rest = Buffer.alloc(0);

  push(piece: Buffer): readonly string[] {
    this.#rest = Buffer.concat([this.#rest, piece]);
    const out: string[] = [];
    for (;;) {
      const colon = this.#rest.indexOf(':');
      if (colon < 0) return out;
      const length = Number(this.#rest.toString('latin1', 0, colon));
      if (!Number.isInteger(length) || colon > 8) throw new Error('no netstring');
      const end = colon + 1 + length;
      if (this.#rest.length <= end) return out;
      out.push(this.#rest.toString('utf8', colon + 1, end));
      this.#rest = this.#rest.subarray(end + 1);
    }
  }
}

export function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}
