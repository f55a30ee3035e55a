/** SIPp: its own scenarios and ours, and what came of the calls. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peer } from './peers.ts';
import { phonePorts } from './ports.ts';
import { Program } from './program.ts';

export interface SippOptions {
  /** For its statistics and errors. */
  readonly folder: string;
  readonly scenario: { readonly name: 'uac' | 'uas' } | { readonly file: string };
  /** `HOST:PORT` to call; left out for one that waits. */
  readonly server?: string;
  readonly host?: '127.0.0.1' | '[::1]';
  readonly transport?: 'u1' | 't1' | 'tn';
  /** The user of the request's URI. */
  readonly service?: string;
  readonly calls: number;
  readonly rate?: number;
  /** How long each call stands, ms. */
  readonly duration?: number;
  readonly timeoutSeconds: number;
}

export interface SippResult {
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
}

let count = 0;

export class Sipp {
  /** After it come those for its control, its audio and its video. */
  readonly port: number = phonePorts();
  readonly #options: SippOptions;
  readonly #program: Program;
  readonly #statistics: string;
  readonly #errors: string;

  constructor(options: SippOptions) {
    this.#options = options;
    count += 1;
    this.#statistics = join(options.folder, `${count}.csv`);
    this.#errors = join(options.folder, `${count}.errors`);
    const { scenario, server, host = '127.0.0.1', service, calls, rate, duration, transport } = options;
    const what = 'name' in scenario ? ['-sn', scenario.name] : ['-sf', scenario.file];
    const address = host.replaceAll(/[[\]]/g, '');
    const args = [
      ...(server === undefined ? [] : [server]),
      ...what,
      ...['-i', address, '-mi', address, '-p', String(this.port), '-cp', String(this.port + 1)],
      ...['-mp', String(this.port + 2), '-m', String(calls), '-nostdin', '-skip_rlimit'],
      ...(service === undefined ? [] : ['-s', service]),
      ...(rate === undefined ? [] : ['-r', String(rate)]),
      ...(duration === undefined ? [] : ['-d', String(duration)]),
      ...(transport === undefined ? [] : ['-t', transport]),
      ...['-trace_stat', '-stf', this.#statistics, '-fd', '1'],
      ...['-trace_err', '-error_file', this.#errors],
      ...['-timeout', `${options.timeoutSeconds}s`, '-timeout_error'],
    ];
    const name = 'name' in scenario ? `sipp -sn ${scenario.name}` : `sipp -sf ${scenario.file}`;
    this.#program = new Program(name, peer('sipp').path, args, { cwd: options.folder, env: { TERM: 'dumb' } });
  }

  /** Waits until its calls are done; fails unless every one went as the scenario says. */
  async done(): Promise<SippResult> {
    const code = await this.#program.exit((this.#options.timeoutSeconds + 10) * 1000);
    const result = this.result();
    if (code !== 0 || result.failed > 0 || result.successful < this.#options.calls) {
      throw this.failure(`ended with ${code} and ${JSON.stringify(result)}`);
    }
    return result;
  }

  /** Its counts so far. */
  result(): SippResult {
    const rows = read(this.#statistics).trim().split('\n');
    const names = rows[0]?.split(';') ?? [];
    const values = rows.length > 1 ? (rows.at(-1)?.split(';') ?? []) : [];
    const of = (name: string): number => Number(values[names.indexOf(name)] ?? 0);
    return {
      successful: of('SuccessfulCall(C)'),
      failed: of('FailedCall(C)'),
      retransmissions: of('Retransmissions(C)'),
    };
  }

  failure(why: string): Error {
    const errors = read(this.#errors).split('\n').slice(0, 60).join('\n');
    return new Error(`${this.#program.failure(why).message}\n  errors:\n${errors}`);
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // Nothing went wrong, or it has not begun.
  }
}
