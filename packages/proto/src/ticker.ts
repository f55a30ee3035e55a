/** What drives a timer wheel: one timer of the host, or a virtual clock. */
export interface Ticker {
  /** Call after work that may have set an earlier timer. Cheap when nothing changed. */
  poke(): void;
  stop(): void;
}
