/**
 * One seed, one storm: five phones do anything at any time on a network that loses three packets in five, while signalling
 * and media are killed now and then. Then the weather clears, everybody hangs up, and nothing may be left anywhere.
 */
import {
  type Behaviour,
  type LinkConditions,
  type Phone,
  type Prng,
  VirtualClock,
  VirtualNetwork,
  whatIsLeft,
} from '@strowger/testkit';
import { hashOf, ladderOf } from './packets.ts';
import { type ScenarioPhoneOptions, ScenarioServer } from './server.ts';

const STORM: Partial<LinkConditions> = { loss: 0.6, duplicate: 0.2, reorder: 0.3, reorderMs: 2000, jitterMs: 100 };
const CALM: Partial<LinkConditions> = { loss: 0, duplicate: 0, reorder: 0, jitterMs: 0 };
const EXTENSIONS = ['1001', '1002', '1003', '1004'];
/** Of every kind, and two of one extension. */
const PHONES: readonly (readonly [extension: string, options: ScenarioPhoneOptions])[] = [
  ['1001', { name: 'one' }],
  ['1002', { name: 'two', transport: 'tcp' }],
  ['1003', { name: 'three', v6: true }],
  ['1004', { name: 'four' }],
  ['1004', { name: 'five', v6: true, transport: 'tcp' }],
];
/** The longest call, after which the server ends what nobody could tell it of; and three transactions. */
const CONFIG = 'calls: { maxSeconds: 60, ringSeconds: 30 }';
const PATIENCE = 60_000 + 3 * 32_000 + 10_000;

export interface StormResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly calls: number;
  readonly answered: number;
  readonly hash: string;
  story(): string;
}

export async function storm(seed: number): Promise<StormResult> {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed });
  const server = await ScenarioServer.start(network, { people: EXTENSIONS, config: CONFIG });
  const script = network.prng.fork('script');
  const phones = await Promise.all(PHONES.map(([extension, options]) => server.phone(extension, options)));
  for (const phone of phones) {
    phone.registration.retryMs = 1000;
    phone.register(3600);
  }
  await clock.run(1000);
  network.setConditions(STORM);
  for (let i = 0; i < 60; i += 1) {
    act(script, phones);
    if (script.chance(0.05)) await restart(clock, script, server);
    await clock.run(script.below(4000));
  }
  network.setConditions(CALM);
  // Twice: what a stream has held back comes late, and a phone rings for a call that was given up long ago.
  for (let i = 0; i < 2; i += 1) {
    await clock.run(70_000);
    for (const phone of phones) for (const call of phone.calls) call.hangUp();
  }
  const problems = await after(clock, server, phones);
  await server.close();
  const calls = phones.flatMap((phone) => phone.calls);
  const story = () =>
    [`seed ${seed}: ${problems.join('\n')}`, ...phones.map(transcript), ladderOf(network)].join('\n\n');
  const answered = calls.filter(({ direction, answeredAt }) => direction === 'out' && answeredAt !== undefined).length;
  const made = calls.filter(({ direction }) => direction === 'out').length;
  return { seed, problems, calls: made, answered, hash: hashOf(network), story };
}

function act(script: Prng, phones: readonly Phone[]): void {
  const phone = phones[script.below(phones.length)] as Phone;
  const call = phone.calls.at(-1 - script.below(3));
  const action = script.below(8);
  phone.behaviour = script.pick<Behaviour>([
    { kind: 'answer', afterMs: script.below(3000) },
    { kind: 'answer' },
    { kind: 'ring' },
    { kind: 'busy' },
    { kind: 'decline' },
  ]);
  phone.offers = script.chance(0.8);
  phone.refusesOffers = script.chance(0.1) ? 488 : undefined;
  if (action <= 2 || !call) phone.call(script.pick(['1001', '1002', '1003', '1004']));
  else if (action <= 4) call.hold();
  else if (action <= 6) call.resume();
  else call.hangUp();
}

async function restart(clock: VirtualClock, script: Prng, server: ScenarioServer): Promise<void> {
  const what = script.below(3);
  if (what !== 0) server.media.crash();
  if (what !== 1) server.crash();
  await clock.run(script.below(3000));
  if (what !== 0) server.media.start();
  if (what !== 1) await server.restart();
}

async function after(
  clock: VirtualClock,
  server: ScenarioServer,
  phones: readonly Phone[],
): Promise<readonly string[]> {
  const left = () =>
    whatIsLeft({
      ...Object.fromEntries(phones.map((phone) => [nameOf(phone), phone.leftovers()])),
      server: server.leftovers(),
    });
  await clock.until(() => left().length === 0, PATIENCE);
  const records = await server.cdrs();
  const twice = records.length - new Set(records.map(({ id }) => id)).size;
  const unheard = phones
    .flatMap((phone) => phone.calls)
    .filter(({ direction, answeredAt }) => direction === 'out' && answeredAt !== undefined)
    .filter(({ callId }) => !records.some((record) => record.callId === callId && record.outcome === 'answered'));
  return [
    ...left(),
    ...(twice > 0 ? [`${twice} calls were recorded twice`] : []),
    ...unheard.map(({ callId }) => `no record of the answered call ${callId}`),
    ...phones.filter(({ registered }) => !registered).map((phone) => `${nameOf(phone)} is not registered`),
    ...server.errors.filter((line) => !line.startsWith('media-not-allocated')),
  ];
}

const nameOf = ({ options }: Phone): string => options.host.name;
const transcript = (phone: Phone): string => `${nameOf(phone)}:\n  ${phone.transcript.join('\n  ')}`;
