/** `kill -9` of every process in the middle of registrations: what was answered 200 is there at the next start, and nothing else. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RegisterClient } from './support/register-client.ts';
import { type Person, Server } from './support/server.ts';

const PEOPLE: readonly Person[] = Array.from({ length: 200 }, (_, i) => ({
  name: `Person ${i}`,
  extension: String(2000 + i),
  password: `secret-of-${2000 + i}-kept`,
}));
/** Requests under way at once. */
const AT_ONCE = 40;
const ROUNDS = 3;
/** How long it goes on at least; and until every kind of request has been answered often. */
const LOAD_MS = 1_000;

/** What a person was told, and what they were not told yet. */
interface Ledger {
  readonly person: Person;
  /** Answered 200: these bindings are, and no others. */
  readonly promised: Set<string>;
  /** Asked for and not answered when everything was killed: it may be, or not. Whether to be or to be gone. */
  doubtful: string | undefined;
  asked: number;
}

suite('kill -9 of everything while phones register', { timeout: 120_000 }, () => {
  const ledgers: readonly Ledger[] = PEOPLE.map((person) => ({
    person,
    promised: new Set<string>(),
    doubtful: undefined,
    asked: 0,
  }));
  let server: Server;

  before(async () => {
    const limits = { requestsPerSecond: 1_000_000, failuresPerMinute: 100_000 };
    server = await Server.start({ people: PEOPLE, config: { limits } });
  });

  after(() => server?.stop());

  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`round ${round}: the next start has every binding that was answered 200, and none that was not`, async (t) => {
      const client = await RegisterClient.open(server.port);
      const count = { made: 0, removed: 0, refused: 0 };
      const waiting = [...ledgers].sort(() => Math.random() - 0.5);
      let killed = false;
      const worker = async (): Promise<void> => {
        while (!killed) {
          const ledger = waiting.shift();
          if (!ledger) return;
          await step(client, ledger, count);
          waiting.push(ledger);
        }
      };
      const workers = Array.from({ length: AT_ONCE }, worker);
      await sleep(LOAD_MS + Math.random() * 100);
      const enough = (): boolean => count.made > 300 && count.removed > 50 && count.refused > 50;
      for (let i = 0; i < 200 && !enough(); i += 1) await sleep(50);
      const dying = server.killAll();
      killed = true;
      // What was sent before the end and waits in our socket was answered.
      await Promise.all([dying, sleep(200)]);
      client.close();
      await Promise.all(workers);

      await server.start();
      const doubtful = await checkAll(server, ledgers);
      t.diagnostic(
        `${count.made} made, ${count.removed} removed, ${count.refused} refused; ` +
          `${doubtful.asked} under way at the kill, of which ${doubtful.there} took effect`,
      );
      assert.ok(enough(), 'too little load to say anything');
    });
  }
});

/** One thing a phone may ask for; most make a binding, some remove one, some must be refused. */
async function step(
  client: RegisterClient,
  ledger: Ledger,
  count: { made: number; removed: number; refused: number },
): Promise<void> {
  const { extension: user, password } = ledger.person;
  ledger.asked += 1;
  const contact = `sip:${user}-${ledger.asked}@127.0.0.1:${client.port}`;
  const [oldest] = ledger.promised;
  if (ledger.asked % 5 === 4) {
    const wrong = await client.register({ user, password: `${password}-not`, contact, expires: 600 });
    if (wrong !== undefined) assert.notEqual(wrong.status, 200, 'a wrong password is taken');
    count.refused += 1;
  } else if (ledger.asked % 5 === 3) {
    const short = await client.register({ user, password, contact, expires: 5 });
    if (short !== undefined) assert.equal(short.status, 423);
    count.refused += 1;
  } else if (oldest !== undefined && ledger.promised.size > 2) {
    ledger.doubtful = oldest;
    const gone = await client.register({ user, password, contact: oldest, expires: 0 });
    if (gone === undefined) return;
    assert.equal(gone.status, 200);
    ledger.promised.delete(oldest);
    ledger.doubtful = undefined;
    count.removed += 1;
  } else {
    ledger.doubtful = contact;
    const made = await client.register({ user, password, contact, expires: 600 });
    if (made === undefined) return;
    assert.equal(made.status, 200);
    ledger.promised.add(contact);
    ledger.doubtful = undefined;
    count.made += 1;
  }
}

/** Asks for everybody's bindings and compares; what was in doubt is settled by what is there. */
async function checkAll(server: Server, ledgers: readonly Ledger[]): Promise<{ asked: number; there: number }> {
  const client = await RegisterClient.open(server.port);
  const waiting = [...ledgers];
  const wrong: string[] = [];
  let [asked, there] = [0, 0];
  const worker = async (): Promise<void> => {
    for (let ledger = waiting.pop(); ledger !== undefined; ledger = waiting.pop()) {
      const { person, promised, doubtful } = ledger;
      const answer = await client.register({ user: person.extension, password: person.password });
      const found = new Set(answer?.contacts);
      for (const contact of promised) {
        if (!found.has(contact) && contact !== doubtful) wrong.push(`${contact} was answered 200 and is gone`);
      }
      for (const contact of found) {
        if (!promised.has(contact) && contact !== doubtful) wrong.push(`${contact} is there and was not answered 200`);
      }
      if (doubtful !== undefined) {
        asked += 1;
        if (found.has(doubtful) !== promised.has(doubtful)) there += 1;
        if (found.has(doubtful)) promised.add(doubtful);
        else promised.delete(doubtful);
        ledger.doubtful = undefined;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  client.close();
  assert.deepEqual(wrong, []);
  return { asked, there };
}
