/** The server under attack: its own processes and ports, and the questions asked of it after each attack. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../interop/support/ports.ts';
import { type RunningServer, startServer } from '../../support/server.ts';
import { UdpPeer } from './peer.ts';
import { ALICE, BOB, DOMAIN, MALLORY, Phone } from './phone.ts';

export interface Health {
  readonly at: number;
  readonly calls: number;
  readonly bindings: number;
  readonly clientTransactions: number;
  readonly serverTransactions: number;
  readonly dialogs: number;
  readonly timers: number;
  readonly watchedInvites: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly bounds: readonly { readonly name: string; readonly cap: number; readonly used: number }[];
}

export interface Site {
  readonly server: RunningServer;
  readonly port: number;
  readonly media: { readonly first: number; readonly last: number };
  /** Of now: health is written once a second. */
  health(): Promise<Health>;
  /** Waits until health satisfies. */
  healthy(what: string, wanted: (health: Health) => boolean, ms?: number): Promise<Health>;
  /** Resident memory of signalling, in MiB. */
  memory(): number;
  /** The processes are those that were started, every bound is kept, nothing threw, and a call goes through. */
  stands(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSite(
  o: { readonly mediaPorts?: number; readonly config?: Readonly<Record<string, unknown>> } = {},
): Promise<Site> {
  const { mediaPorts = 40 } = o;
  const port = freePorts(19_000, 19_999, 2);
  const first = freePorts(40_000, 41_999, mediaPorts);
  const config = {
    domain: DOMAIN,
    listen: [`udp://127.0.0.1:${port}`, `tcp://127.0.0.1:${port}`],
    http: { listen: [] },
    media: { ports: `${first}-${first + mediaPorts - 1}` },
    people: [
      { name: 'Alice', extension: ALICE.user, password: ALICE.password },
      { name: 'Bob', extension: BOB.user, password: BOB.password },
      { name: 'Mallory', extension: MALLORY.user, password: MALLORY.password },
    ],
    ...o.config,
  };
  // JSON is YAML.
  const server = await startServer(JSON.stringify(config));
  const pids = server.pids();
  const read = (): Health => server.health() as unknown as Health;

  const health = async (): Promise<Health> => {
    const asked = Date.now();
    for (let i = 0; i < 30; i += 1) {
      const said = read();
      if (said.at >= asked) return said;
      // Nothing new is written while nothing changes.
      if (i > 12) return said;
      await sleep(100);
    }
    return read();
  };

  const site: Site = {
    server,
    port,
    media: { first, last: first + mediaPorts - 1 },
    health,
    async healthy(what, wanted, ms = 5_000) {
      const end = performance.now() + ms;
      for (;;) {
        const said = read();
        if (wanted(said)) return said;
        assert.ok(performance.now() < end, `${what}: not after ${ms} ms; ${JSON.stringify(said)}`);
        await sleep(100);
      }
    },
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pids.signalling}/status`, 'utf8'))?.[1]) / 1024,
    async stands() {
      assert.deepEqual(server.pids(), pids, 'a process died and was started again');
      for (const pid of Object.values(pids)) process.kill(pid, 0);
      await honestCall(port);
      const { bounds, counters } = await health();
      for (const { name, used, cap } of bounds) assert.ok(used <= cap, `${name}: ${used} of ${cap}`);
      assert.equal(counters.kernel_handler_errors ?? 0, 0, server.output().slice(-3000));
    },
    async stop() {
      assert.equal(await server.stop(), true, 'the server did not end in order');
    },
  };
  return site;
}

/** Two honest people at addresses of their own: register, call, hang up. */
export async function honestCall(port: number): Promise<void> {
  const alice = new Phone(await UdpPeer.at('127.0.0.8', port), ALICE);
  const bob = new Phone(await UdpPeer.at('127.0.0.9', port), BOB);
  try {
    assert.equal((await bob.register({ expires: 60 })).status, 200);
    bob.answers(9);
    const talk = await alice.call(BOB.user, 9);
    assert.equal((await alice.hangUp(talk)).status, 200);
    assert.equal((await bob.register({ expires: 0 })).status, 200);
  } finally {
    alice.peer.close();
    bob.peer.close();
  }
}
