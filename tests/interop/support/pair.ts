/** Two phones of one server, a call between them, and what each of them heard of it. */
import assert from 'node:assert/strict';
import { Phone, type PhoneEvent, type PhoneOptions } from './baresip.ts';
import { DOMAIN, type Person, type Server } from './server.ts';
import { FRAME_MS, hearingOf } from './tone.ts';

export type Way = PhoneOptions['server']['transport'];
export interface Line {
  readonly transport: Way;
  readonly host: PhoneOptions['server']['host'];
}

export const LOW = 440;
export const HIGH = 880;
/** The longest silence that a listener may have to bear. */
export const LONGEST_GAP_MS = 100;

export const UDP: Line = { transport: 'udp', host: '127.0.0.1' };
export const TCP: Line = { transport: 'tcp', host: '127.0.0.1' };
export const UDP6: Line = { transport: 'udp', host: '[::1]' };
export const TCP6: Line = { transport: 'tcp', host: '[::1]' };

/** Twelve people, 1001 to 1012, each with a password that is found nowhere else. */
export const PEOPLE: readonly Person[] = Array.from({ length: 12 }, (_, i) => ({
  name: `Person ${i + 1}`,
  extension: String(1001 + i),
  password: `secret-of-${1001 + i}-kept`,
}));

export interface Pair {
  readonly caller: Phone;
  readonly callee: Phone;
  readonly callerUser: string;
  readonly calleeUser: string;
}

/** Starts the phones of persons `index` and `index + 1` and waits until both are registered. */
export async function startPair(server: Server, folder: string, index: number, lines: [Line, Line]): Promise<Pair> {
  const start = (who: number, line: Line, tone: number): Promise<Phone> => {
    const { extension = '', password = '' } = PEOPLE[who] ?? {};
    const place = { ...line, port: server.port };
    return Phone.start({ folder, user: extension, password, domain: DOMAIN, server: place, tone });
  };
  const [caller, callee] = await Promise.all([start(index, lines[0], LOW), start(index + 1, lines[1], HIGH)]);
  await Promise.all([caller.registered(), callee.registered()]);
  return { caller, callee, callerUser: caller.options.user, calleeUser: callee.options.user };
}

export interface Established {
  readonly caller: PhoneEvent;
  readonly callee: PhoneEvent;
}

/** The caller dials the callee's extension; resolves when both say that the call stands. */
export async function call({ caller, callee, calleeUser }: Pair): Promise<Established> {
  await caller.dial(`sip:${calleeUser}@${DOMAIN}`);
  const [a, b] = await Promise.all([caller.event('CALL_ESTABLISHED'), callee.event('CALL_ESTABLISHED')]);
  return { caller: a, callee: b };
}

/** One of the two hangs up; resolves when both say that it is over. */
export async function hangUp({ caller, callee }: Pair, by: 'caller' | 'callee'): Promise<Established> {
  await (by === 'caller' ? caller : callee).hangUp();
  const [a, b] = await Promise.all([caller.event('CALL_CLOSED'), callee.event('CALL_CLOSED')]);
  return { caller: a, callee: b };
}

export interface Verdict {
  readonly upMs: number;
  /** Of the time the call stood, how much is not in the recording: no single gap can be longer. */
  readonly missingMs: number;
}

/**
 * Each heard the other's tone, nothing of its own, and all the time. Without a capture what is missing in all has to do
 * as the bound of every gap; with one, that shows the gaps, and here only much would be wrong.
 */
export function checkRecordings(
  pair: Pair,
  began: Established,
  over: Established,
  mostMissingMs: number = LONGEST_GAP_MS + FRAME_MS,
): Record<'caller' | 'callee', Verdict> {
  const check = (side: 'caller' | 'callee', wanted: number, own: number): Verdict => {
    const verdict = checkRecording(pair[side], over[side].at - began[side].at, wanted, own);
    const { upMs, missingMs } = verdict;
    assert.ok(missingMs <= mostMissingMs, `${pair[side].options.user}: ${missingMs} of ${upMs} ms are missing`);
    return verdict;
  };
  return { caller: check('caller', HIGH, LOW), callee: check('callee', LOW, HIGH) };
}

function checkRecording(phone: Phone, upMs: number, wanted: number, own: number): Verdict {
  const [sound] = phone.recordings('dec');
  if (!sound) throw phone.failure('it has recorded nothing');
  const heard = hearingOf(sound, wanted, [own]);
  const wantedMs = heard.ms.get(wanted) ?? 0;
  const { user } = phone.options;
  assert.equal(heard.ms.get(own), 0, `${user} hears itself`);
  assert.ok(heard.gapMs <= LONGEST_GAP_MS, `${user}: ${heard.gapMs} ms without ${wanted} Hz`);
  // baresip records what comes and leaves out what does not: what is missing in all bounds every gap.
  return { upMs, missingMs: upMs - wantedMs };
}
