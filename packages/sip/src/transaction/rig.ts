/** For this folder's tests: runs a machine on virtual time and writes down `time output` lines. No sleeping, no mocks. */
import { asMono, type Mono, type Octets } from '@strowger/proto';
import type { ClientInput, ClientOutput, ServerInput, ServerOutput } from './machine.ts';

interface Machine<S, I> {
  step(state: S, input: I): readonly [S, readonly (ClientOutput | ServerOutput)[]];
  nextDeadline(state: S): Mono | undefined;
}

export class Rig<S extends { readonly state: string }, I extends ClientInput | ServerInput> {
  readonly log: string[] = [];
  now = 0;
  current: S;
  readonly #machine: Machine<S, I>;

  constructor(machine: Machine<S, I>, [state, outputs]: readonly [S, readonly (ClientOutput | ServerOutput)[]]) {
    this.#machine = machine;
    this.current = state;
    this.#note(outputs, '');
  }

  get state(): string {
    return this.current.state;
  }

  /** `what` names the input in the log, for outputs that do not carry a text. */
  feed(input: I, what = ''): void {
    const [next, outputs] = this.#machine.step(this.current, input);
    this.current = next;
    this.#note(outputs, what);
  }

  /** Ticks at each deadline up to `end`. */
  advanceTo(end: number): void {
    for (let n = 0; ; n += 1) {
      const at = this.#machine.nextDeadline(this.current);
      if (at === undefined || at > end) break;
      if (n > 1_000) throw new Error(`stuck at ${at}`);
      this.now = Math.max(this.now, at);
      this.feed({ kind: 'tick', now: asMono(this.now) } as I);
    }
    this.now = end;
  }

  /** Every text that the state still holds. */
  texts(): string {
    return JSON.stringify(this.current);
  }

  #note(outputs: readonly (ClientOutput | ServerOutput)[], what: string): void {
    for (const out of outputs) this.log.push(`${this.now} ${line(out, what)}`);
  }
}

function line(out: ClientOutput | ServerOutput, what: string): string {
  switch (out.kind) {
    case 'send':
      return `send ${out.text}`;
    case 'response':
      return `up ${what}`;
    case 'ack':
      return 'up ACK';
    case 'cancel':
    case 'trying-due':
      return out.kind;
    case 'failed':
      return `failed ${out.reason}`;
  }
}

/** Minimal standard generator: replayable by its seed. */
export function seeded(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x = (x * 48_271) % 0x7fffffff;
    return x % below;
  };
}

export const text = (plain: string): Octets => plain as Octets;
