/** Operations that wait for an answer: on loopback a full socket buffer loses packets, so each is sent again, and given up in the end. */
import type { Tallier } from './tally.ts';

export interface Operation {
  /** What was sent last, and when. */
  text: string;
  sentAt: number;
  readonly startedAt: number;
  tries: number;
}

const RESEND_MS = 500;
const TRIES = 8;

export class Pending<O extends Operation> {
  readonly #all = new Map<string, O>();
  readonly #tally: Tallier;
  readonly #send: (text: string) => void;
  readonly #lost: (key: string, operation: O) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(tally: Tallier, send: (text: string) => void, lost: (key: string, operation: O) => void) {
    this.#tally = tally;
    this.#send = send;
    this.#lost = lost;
    this.#timer = setInterval(() => this.#look(), RESEND_MS / 2);
  }

  get size(): number {
    return this.#all.size;
  }

  get(key: string): O | undefined {
    return this.#all.get(key);
  }

  begin(key: string, operation: O): void {
    this.#all.set(key, operation);
    this.#send(operation.text);
  }

  /** The next message of an operation. */
  go(operation: O, text: string): void {
    operation.text = text;
    operation.sentAt = performance.now();
    operation.tries = 0;
    this.#send(text);
  }

  end(key: string): void {
    this.#all.delete(key);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    for (const [key, operation] of this.#all) {
      if (now - operation.sentAt < RESEND_MS * (operation.tries + 1)) continue;
      operation.tries += 1;
      if (operation.tries > TRIES) {
        this.#all.delete(key);
        this.#lost(key, operation);
        continue;
      }
      operation.sentAt = now;
      this.#tally.resent();
      this.#send(operation.text);
    }
  }
}
