/**
 * One seed, one call: two phones register, call, talk, hold, resume and hang up through a whole server over a bad network;
 * then everything is looked at. Who does what, and when, is drawn from the seed as well.
 */
import {
  type LinkConditions,
  type Phone,
  type PhoneCall,
  type Prng,
  VirtualClock,
  VirtualNetwork,
  whatIsLeft,
} from '@strowger/testkit';
import { hashOf, ladderOf } from './packets.ts';
import { checkRecord } from './record.ts';
import { ScenarioServer } from './server.ts';
import { Voice } from './voice.ts';

/** One packet in five is lost, one in ten comes twice, one in five is passed by others. */
export const BAD_NETWORK: Partial<LinkConditions> = {
  loss: 0.2,
  duplicate: 0.1,
  reorder: 0.2,
  reorderMs: 200,
  jitterMs: 30,
};

/** 64·T1, in which a transaction ends. */
const LIFETIME = 32_000;
/** As long as two transactions one after the other, and the network in between. */
const PATIENCE = 2 * LIFETIME + 5_000;

export interface DrillResult {
  readonly seed: number;
  /** What was wrong; nothing when all is as it should be. */
  readonly problems: readonly string[];
  /** `hung-up` as planned, or how it failed. */
  readonly fate: string;
  readonly packets: number;
  /** Of the whole record of packets. */
  readonly hash: string;
  /** What happened, for people. */
  story(): string;
}

export async function drill(seed: number, conditions: Partial<LinkConditions> = BAD_NETWORK): Promise<DrillResult> {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed, conditions });
  const server = await ScenarioServer.start(network);
  const run = new Drill(clock, network.prng.fork('script'), server);
  try {
    await run.all();
  } catch (error) {
    run.problems.push(`threw ${error instanceof Error ? error.stack : String(error)}`);
  }
  await server.close();
  const { problems, fate } = run;
  const { packets } = network;
  const story = () => `seed ${seed}: ${problems.join('\n')}\n\n${run.transcripts()}\n\n${ladderOf(network)}`;
  return { seed, problems, fate, packets: packets.length, hash: hashOf(network), story };
}

/** RFC 3264 §8.4: what the held phone is told, and what its answer says. */
const HOLD_AND_RESUME = [
  { what: 'hold', offered: 'sendonly', answered: 'recvonly' },
  { what: 'resume', offered: 'sendrecv', answered: 'sendrecv' },
] as const;

class Drill {
  readonly problems: string[] = [];
  fate = 'not-registered';
  readonly #clock: VirtualClock;
  readonly #script: Prng;
  readonly #server: ScenarioServer;
  #phones: readonly Phone[] = [];

  constructor(clock: VirtualClock, script: Prng, server: ScenarioServer) {
    this.#clock = clock;
    this.#script = script;
    this.#server = server;
  }

  async all(): Promise<void> {
    const alice = await this.#server.phone('1001', { name: 'alice' });
    const behaviour = { kind: 'answer', afterMs: this.#script.below(3000) } as const;
    const bob = await this.#server.phone('1002', { name: 'bob', behaviour });
    this.#phones = [alice, bob];
    await this.#register(alice, bob);
    if (!alice.registered || !bob.registered) return;
    const call = alice.call('1002');
    await this.#agree('the answer', () => same(call, bob.lastCall));
    const by = await this.#talk(alice, call, bob, bob.lastCall);
    const hungUp = by && { by, at: this.#clock.now() };
    await this.#agree('the end', () => call.phase === 'ended' && (bob.lastCall?.phase ?? 'ended') === 'ended');
    await this.#quiet(alice, bob);
    const seen = { clock: this.#clock, caller: call, callee: bob.lastCall, ...(hungUp && { hungUp }) };
    this.problems.push(...checkRecord(await this.#server.cdrs(), seen));
    this.problems.push(...this.#server.errors);
  }

  transcripts(): string {
    return this.#phones.map(({ name, transcript }) => `${name}:\n  ${transcript.join('\n  ')}`).join('\n');
  }

  async #register(...phones: readonly Phone[]): Promise<void> {
    for (const phone of phones) {
      phone.registration.retryMs = 1000;
      phone.register(3600);
    }
    await this.#agree('registration', () => phones.every(({ registered }) => registered));
    for (const phone of phones) {
      if (this.#server.bindings(phone.name).length !== 1) this.problems.push(`${phone.name} has no binding`);
    }
  }

  /** Talks, holds, resumes, talks and hangs up; says who did. Ends early where the call has failed. */
  async #talk(alice: Phone, a: PhoneCall, bob: Phone, b: PhoneCall | undefined): Promise<PhoneCall | undefined> {
    const up = () => a.phase === 'talking' && b?.phase === 'talking';
    if (!b || !up()) {
      this.fate = a.cause ?? 'unknown';
      return undefined;
    }
    await this.#hearEachOther(alice, a, bob, b);
    const holder = this.#script.pick([a, b]);
    const held = holder === a ? b : a;
    for (const { what, offered, answered } of HOLD_AND_RESUME) {
      await this.#clock.run(this.#script.below(4000));
      if (!up()) break;
      const done = () => !up() || (held.heard?.direction === offered && holder.heard?.direction === answered);
      await this.#press(what, holder, done);
    }
    await this.#clock.run(this.#script.below(4000));
    this.fate = up() ? 'hung-up' : (a.cause ?? b.cause ?? 'unknown');
    if (!up()) return undefined;
    const leaver = this.#script.pick([a, b]);
    leaver.hangUp();
    return leaver;
  }

  /** Presses a button, and again a second later where the phone says "not now": the ACK before it is still on its way. */
  async #press(what: 'hold' | 'resume', call: PhoneCall, done: () => boolean): Promise<void> {
    for (let tries = 0; tries < 40; tries += 1) {
      call[what]();
      await this.#agree(what, () => done() || call.offerRefused !== undefined);
      if (call.offerRefused === undefined) return;
      await this.#clock.run(1000);
      if (done()) return;
    }
    this.problems.push(`${what} was refused for good`);
  }

  /** Twenty packets each way: at this loss, that none arrives happens once in a thousand million runs. */
  async #hearEachOther(alice: Phone, a: PhoneCall, bob: Phone, b: PhoneCall): Promise<void> {
    const voices = [await Voice.open(alice, a, 1), await Voice.open(bob, b, 2)] as const;
    for (const voice of voices) voice.speak(20);
    await this.#clock.run(1000);
    const [hers, his] = voices;
    if (!hers.heard.has(his.ssrc)) this.problems.push('alice does not hear bob');
    if (!his.heard.has(hers.ssrc)) this.problems.push('bob does not hear alice');
    if (hers.heard.has(hers.ssrc) || his.heard.has(his.ssrc)) this.problems.push('somebody hears themselves');
    for (const voice of voices) await voice.close();
  }

  /** Both ends are to see it alike within the time that the protocol's timers give them. */
  async #agree(what: string, condition: () => boolean): Promise<void> {
    if (!(await this.#clock.until(condition, PATIENCE))) this.problems.push(`no agreement on ${what}`);
  }

  /** Nothing may be left once the last transaction has run out. */
  async #quiet(alice: Phone, bob: Phone): Promise<void> {
    const left = () => whatIsLeft({ alice: alice.leftovers(), bob: bob.leftovers(), server: this.#server.leftovers() });
    if (!(await this.#clock.until(() => left().length === 0, PATIENCE))) this.problems.push(...left());
  }
}

/** Both see the call alike: neither is in it alone. */
function same(a: PhoneCall, b: PhoneCall | undefined): boolean {
  if (!b) return a.phase === 'ended';
  return (a.phase === 'talking' && b.phase === 'talking') || (a.phase === 'ended' && b.phase === 'ended');
}
