/** A timer of a module's, on the host's one wheel. */
import { later, type Mono, Timed, type TimerWheel } from '@strowger/proto';

export class CallbackTimer extends Timed {
  readonly #wheel: TimerWheel;
  readonly #run: () => void;

  constructor(wheel: TimerWheel, run: () => void) {
    super();
    this.#wheel = wheel;
    this.#run = run;
  }

  start(now: Mono, ms: number): void {
    this.#wheel.set(this, later(now, ms));
  }

  stop(): void {
    this.#wheel.stop(this);
  }

  override onDue(): void {
    this.#run();
  }
}
