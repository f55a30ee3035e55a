/** A server and registered phones on a calm network, and what they say to each other, as lines a test can compare. */
import assert from 'node:assert/strict';
import {
  assertNothingLeft,
  type LinkConditions,
  type Phone,
  story,
  VirtualClock,
  VirtualNetwork,
} from '@strowger/testkit';
import type { CdrRow } from '../../../server/src/modules/cdr/store.ts';
import { isSip, lineOf } from './packets.ts';
import { type ScenarioPhoneOptions, ScenarioServer, type ServerOptions } from './server.ts';

/** Longer than any transaction with all that follows from it (64·T1 twice). */
const OVER = 70_000;

export interface RigOptions extends ServerOptions {
  readonly seed?: number;
  readonly conditions?: Partial<LinkConditions>;
}

export class Rig {
  readonly clock: VirtualClock;
  readonly network: VirtualNetwork;
  readonly server: ScenarioServer;
  readonly phones: Phone[] = [];
  #mark = 0;

  static async start(options: RigOptions = {}): Promise<Rig> {
    const clock = new VirtualClock();
    const network = new VirtualNetwork({ clock, seed: options.seed ?? 1, conditions: options.conditions ?? {} });
    return new Rig(clock, network, await ScenarioServer.start(network, options));
  }

  private constructor(clock: VirtualClock, network: VirtualNetwork, server: ScenarioServer) {
    this.clock = clock;
    this.network = network;
    this.server = server;
  }

  /** A phone that is there, and has registered unless `registers` says otherwise. */
  async phone(
    name: string,
    extension: string,
    options: ScenarioPhoneOptions & { readonly registers?: boolean } = {},
  ): Promise<Phone> {
    const { registers = true, ...rest } = options;
    const phone = await this.server.phone(extension, { name, ...rest });
    this.phones.push(phone);
    if (!registers) return phone;
    phone.register();
    assert.ok(await this.clock.until(() => phone.registered), story(this.network, `${name} is not registered`));
    return phone;
  }

  /** From here on `said` counts. */
  mark(): void {
    this.#mark = this.network.packets.length;
  }

  /** `alice → server INVITE`, for each SIP message since the mark, in order of sending; and the mark moves on. */
  said(): readonly string[] {
    const lines = this.network.packets.slice(this.#mark).filter(isSip).map(lineOf);
    this.mark();
    return lines;
  }

  /** Lets all of it come to its end, then looks for what is left anywhere. */
  async over(): Promise<void> {
    await this.clock.run(OVER);
    const phones = Object.fromEntries(this.phones.map((phone) => [phone.options.host.name, phone.leftovers()]));
    assertNothingLeft(this.network, { ...phones, server: this.server.leftovers() });
    assert.deepEqual(this.server.errors, []);
  }

  /** The one record of the one call; what differs from run to run left out. */
  async record(): Promise<Pick<CdrRow, 'outcome' | 'endedBy' | 'reason'> & { readonly status?: number }> {
    const records = await this.server.cdrs();
    assert.equal(records.length, 1, `${records.length} call records`);
    const { outcome, endedBy, reason, status } = records[0] as CdrRow;
    return { outcome, endedBy, reason, ...(status === undefined ? {} : { status }) };
  }

  story(what: string): string {
    return story(this.network, what);
  }
}
