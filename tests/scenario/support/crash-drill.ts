/**
 * One seed, one run in which signalling is killed again and again, at any moment or in the middle of sending, while two
 * phones register and call. What was promised is there afterwards, and in the end nothing is left of anything.
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
import { ScenarioServer } from './server.ts';

const CONDITIONS: Partial<LinkConditions> = { loss: 0.05, duplicate: 0.05, reorder: 0.1, jitterMs: 20 };
/** 64·T1 twice, and the network in between. */
const PATIENCE = 70_000;
/** How long a person hears nothing but ringing before giving up. */
const RINGS = 20_000;

export interface CrashResult {
  readonly seed: number;
  readonly problems: readonly string[];
  /** What signalling was killed in the middle of. */
  readonly killedWhile: readonly string[];
  readonly hash: string;
  story(): string;
}

/** With `tcp` each phone is on TCP or UDP, as the seed has it. */
export async function crashDrill(seed: number, { tcp = false }: { readonly tcp?: boolean } = {}): Promise<CrashResult> {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, seed, conditions: CONDITIONS });
  const server = await ScenarioServer.start(network);
  const run = new CrashDrill(clock, network, server, tcp);
  try {
    await run.all();
  } catch (error) {
    run.problems.push(`threw ${error instanceof Error ? error.stack : String(error)}`);
  }
  await server.close();
  const { problems, killedWhile, notes } = run;
  const story = () =>
    [`seed ${seed}: ${problems.join('\n')}`, notes.join('\n'), run.transcripts(), ladderOf(network)].join('\n\n');
  return { seed, problems, killedWhile, hash: hashOf(network), story };
}

class CrashDrill {
  readonly problems: string[] = [];
  readonly killedWhile: string[] = [];
  readonly notes: string[] = [];
  readonly #clock: VirtualClock;
  readonly #network: VirtualNetwork;
  readonly #server: ScenarioServer;
  readonly #script: Prng;
  readonly #tcp: boolean;
  #phones: readonly Phone[] = [];

  constructor(clock: VirtualClock, network: VirtualNetwork, server: ScenarioServer, tcp: boolean) {
    this.#tcp = tcp;
    this.#clock = clock;
    this.#network = network;
    this.#server = server;
    this.#script = network.prng.fork('script');
  }

  async all(): Promise<void> {
    const transport = () => (this.#tcp && this.#script.chance(0.5) ? 'tcp' : 'udp');
    const alice = await this.#server.phone('1001', { name: 'alice', transport: transport() });
    const bob = await this.#server.phone('1002', {
      name: 'bob',
      transport: transport(),
      behaviour: { kind: 'answer', afterMs: this.#script.below(3000) },
    });
    this.#phones = [alice, bob];
    this.#planKills();
    for (const phone of this.#phones) {
      phone.registration.retryMs = 500;
      phone.register(3600);
    }
    await this.#within('registration', () => alice.registered && bob.registered);
    const call = alice.call('1002');
    await this.#clock.until(() => call.phase === 'talking' || call.phase === 'ended', RINGS);
    if (call.phase !== 'talking') call.hangUp();
    else await this.#talk(call, bob.lastCall);
    await this.#ended();
    await this.#quiet();
    await this.#records(call);
  }

  transcripts(): string {
    return this.#phones.map(({ name, transcript }) => `${name}:\n  ${transcript.join('\n  ')}`).join('\n');
  }

  /** One to three times, half of them in the middle of a turn: so many packets have left, the next one has not. */
  #planKills(): void {
    const kills = 1 + this.#script.below(3);
    for (let i = 0; i < kills; i += 1) {
      if (this.#script.chance(0.5)) this.#clock.after(this.#script.below(15_000), () => this.#kill());
      else this.#killAfterPackets(1 + this.#script.below(40));
    }
  }

  #killAfterPackets(packets: number): void {
    let left = packets;
    this.#network.drop(({ fromHost, text }) => {
      if (fromHost !== 'server' || text.charCodeAt(0) >= 0x80) return false;
      left -= 1;
      if (left === 0) this.#kill();
      return false;
    });
  }

  #kill(): void {
    if (!this.#server.isUp) return;
    const [alice, bob] = this.#phones.map((phone) => phone.lastCall?.phase ?? phone.registration.state);
    this.killedWhile.push(alice === bob ? `${alice}` : `${alice}/${bob}`);
    this.notes.push(`${this.#clock.now()} killed`);
    this.#server.crash();
    this.#clock.after(this.#script.below(4000), () => {
      this.notes.push(`${this.#clock.now()} up again`);
      this.#server.restart().then(
        () => this.#checkBindings(),
        (error: unknown) => this.problems.push(`no restart: ${String(error)}`),
      );
    });
  }

  /** RFC 3261 §10.3: what was answered 200 is there, whatever happened since. */
  #checkBindings(): void {
    const promised = new Set<string>();
    for (const { fromHost, text } of this.#network.packets) {
      if (fromHost !== 'server' || !text.startsWith('SIP/2.0 200') || !/\r\nCSeq: \d+ REGISTER\r\n/.test(text))
        continue;
      promised.add(/\r\nTo: <sip:(\d+)@/.exec(text)?.[1] ?? '');
    }
    for (const extension of promised) {
      const { length } = this.#server.bindings(extension);
      if (length !== 1) this.problems.push(`${length} bindings of ${extension} after the restart`);
    }
  }

  async #talk(a: PhoneCall, b: PhoneCall | undefined): Promise<void> {
    await this.#clock.run(this.#script.below(6000));
    const both = [a, ...(b ? [b] : [])] as const;
    if (this.#script.chance(0.5)) {
      this.#script.pick(both).hold();
      await this.#clock.run(this.#script.below(6000));
    }
    this.#script.pick(both).hangUp();
  }

  /**
   * A BYE over TCP to a server that is down is refused at once, and never said again (RFC 3261 §8.1.3.1): who is left in
   * such a call notices. Over UDP it comes through.
   */
  async #ended(): Promise<void> {
    const calls = this.#phones.flatMap((phone) => phone.calls);
    const over = () => calls.every(({ phase }) => phase === 'ended');
    if (this.#tcp && !(await this.#clock.until(over, PATIENCE))) for (const call of calls) call.hangUp();
    await this.#within('the end', over);
  }

  async #within(what: string, condition: () => boolean): Promise<void> {
    if (!(await this.#clock.until(condition, PATIENCE))) this.problems.push(`no end of ${what}`);
  }

  async #quiet(): Promise<void> {
    const phones = () => Object.fromEntries(this.#phones.map((phone) => [phone.options.host.name, phone.leftovers()]));
    const left = () => (this.#server.isUp ? whatIsLeft({ ...phones(), server: this.#server.leftovers() }) : ['down']);
    if (!(await this.#clock.until(() => left().length === 0, PATIENCE))) this.problems.push(...left());
    this.problems.push(...this.#server.errors);
  }

  /** A call that was up has one record that says so. An INVITE that comes again after the crash is another call. */
  async #records(call: PhoneCall): Promise<void> {
    const records = await this.#server.cdrs();
    const answered = records.filter(({ callId, outcome }) => callId === call.callId && outcome === 'answered');
    if (call.answeredAt !== undefined && answered.length !== 1) {
      this.problems.push(
        `${answered.length} records of an answered call (${records.map(({ outcome }) => outcome).join()})`,
      );
    }
  }
}
