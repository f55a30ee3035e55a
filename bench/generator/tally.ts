/** Counts operations and their latencies between two reports. */
import type { Tally } from './job.ts';

export class Tallier {
  #done = 0;
  #failed = 0;
  #resent = 0;
  #failure: string | undefined;
  #latencies: number[] = [];

  done(): void {
    this.#done += 1;
  }

  failed(why: string): void {
    this.#failed += 1;
    this.#failure ??= why;
  }

  resent(): void {
    this.#resent += 1;
  }

  latency(ms: number): void {
    this.#latencies.push(ms);
  }

  take(): Tally {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const tally: Tally = {
      done: this.#done,
      failed: this.#failed,
      resent: this.#resent,
      p50: at(0.5),
      p99: at(0.99),
      worst: sorted.at(-1) ?? 0,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
    this.#done = this.#failed = this.#resent = 0;
    this.#failure = undefined;
    this.#latencies = [];
    return tally;
  }
}
