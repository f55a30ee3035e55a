/** What a micro bench is: a name, what one operation is, and how to make the loop. */
export interface MicroBench {
  readonly name: string;
  /** One operation, in words. */
  readonly operation: string;
  /** Operations until as much is alive as will be; left out of `--quick`. */
  readonly warmOps?: number;
  /** Makes the thing to measure; `run(n)` does n operations. The sum it returns keeps the work from being thrown away. */
  prepare(): { run(n: number): number; facts?(): Readonly<Record<string, number>> };
}
