/** Two clocks, two types: they cannot be mixed up, and a snapshot can hold only the one that survives a restart. */
declare const mono: unique symbol;
declare const wall: unique symbol;

/** Milliseconds since some moment of this boot. For timers; means nothing to another process. */
export type Mono = number & { readonly [mono]: true };
/** UTC milliseconds since 1970. For whatever is stored or shown; may jump. */
export type Wall = number & { readonly [wall]: true };

export const asMono = (ms: number): Mono => ms as Mono;
export const asWall = (ms: number): Wall => ms as Wall;

/** `at` moved by `ms`, which may be negative. */
export function later<T extends Mono | Wall>(at: T, ms: number): T {
  return (at + ms) as T;
}

export interface Clock {
  now(): Mono;
  wall(): Wall;
}
