/** What the media process is told when it starts: as data from the supervisor, parsed at the edge. */
import { canonicalIp } from './address.ts';
import { DEFAULT_LATCH_TIMING, type LatchTiming } from './latch.ts';
import { MediaError } from './port.ts';
import type { PortRange } from './ports.ts';

export interface MediaTiming extends LatchTiming {
  /** Silence of a leg that is expected to send before `idle` is told. */
  readonly idleAfter: number;
  /** A bridge without signalling ends after so long without media … */
  readonly orphanSilence: number;
  /** … and at most after this. */
  readonly orphanAge: number;
  /** How long a released port pair rests. */
  readonly quarantine: number;
}

export interface MediaOptions {
  /** Addresses that legs may bind to. Absent: any. */
  readonly addresses?: readonly string[];
  readonly ports: PortRange;
  readonly timing: MediaTiming;
}

export const DEFAULT_TIMING: MediaTiming = {
  ...DEFAULT_LATCH_TIMING,
  idleAfter: 10_000,
  orphanSilence: 60_000,
  orphanAge: 4 * 3_600_000,
  quarantine: 2_000,
};

export const DEFAULT_OPTIONS: MediaOptions = { ports: { first: 30_000, last: 30_999 }, timing: DEFAULT_TIMING };

/**
 * `{"addresses": ["127.0.0.1"], "ports": "30000-30999", "timing": {"idleAfter": 10000}}`, every key optional. Throws
 * `MEDIA_BAD_REQUEST` for anything else: this is our own supervisor's input.
 */
export function parseOptions(value: unknown): MediaOptions {
  const input = record(value, 'options');
  for (const key of Object.keys(input)) {
    if (key !== 'addresses' && key !== 'ports' && key !== 'timing') throw bad(`unknown option ${key}`);
  }
  const { addresses, ports, timing } = input;
  return {
    ...(addresses === undefined ? {} : { addresses: parseAddresses(addresses) }),
    ports: ports === undefined ? DEFAULT_OPTIONS.ports : parseRange(ports),
    timing: timing === undefined ? DEFAULT_TIMING : parseTiming(timing),
  };
}

function parseAddresses(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw bad('addresses is no list');
  return value.map((text: unknown) => {
    const address = typeof text === 'string' ? canonicalIp(text) : undefined;
    if (address === undefined) throw bad('addresses holds something that is no IP address');
    return address;
  });
}

function parseRange(value: unknown): PortRange {
  const match = typeof value === 'string' ? /^(\d{1,5})-(\d{1,5})$/.exec(value) : null;
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (!match || first < 1 || last > 65_535 || first >= last) throw bad('ports is not like 30000-30999');
  return { first, last };
}

function parseTiming(value: unknown): MediaTiming {
  const timing: Record<string, number> = { ...DEFAULT_TIMING };
  for (const [key, ms] of Object.entries(record(value, 'timing'))) {
    if (!(key in DEFAULT_TIMING)) throw bad(`unknown timing ${key}`);
    if (typeof ms !== 'number' || !(ms >= 0)) throw bad(`timing ${key} is no number of milliseconds`);
    timing[key] = ms;
  }
  return timing as unknown as MediaTiming;
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

const bad = (message: string): MediaError => new MediaError('MEDIA_BAD_REQUEST', message);
