/** Phones at home, each behind a NAT of its own with the same private address, hear each other through a server outside. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { configOf } from './support/baresip.ts';
import { Internet, namespacesSkip, PRIVATE, PUBLIC } from './support/namespaces.ts';
import { HIGH, LONGEST_GAP_MS, LOW, PEOPLE } from './support/pair.ts';
import { peer } from './support/peers.ts';
import { Program } from './support/program.ts';
import { DOMAIN } from './support/server.ts';
import { hearingOf, readSound, writeTone } from './support/tone.ts';

const MAIN = fileURLToPath(new URL('../../server/src/main.ts', import.meta.url));
const TALK_MS = 6_000;
const skip = peer('baresip').skip || namespacesSkip();

suite('behind NAT', { skip, concurrency: true, timeout: 60_000 }, () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`RFC 3581, RFC 7362 §4 over ${transport}: private addresses on both sides, and each hears the other`, (t) =>
      talk(t, transport));
  }
});

async function talk(t: TestContext, transport: 'udp' | 'tcp'): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'strowger-nat-'));
  const net = new Internet(transport);
  const programs: Program[] = [];
  t.after(async () => {
    for (const program of programs.reverse()) await program.stop();
    net.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (name: string, namespace: string, command: string, args: readonly string[]): Program => {
    const [ip, ...inside] = net.inside(namespace);
    const program = new Program(name, ip, [...inside, command, ...args]);
    programs.push(program);
    return program;
  };
  const [alice, bob] = PEOPLE;
  assert.ok(alice && bob);
  const config = { domain: DOMAIN, listen: [`udp://${PUBLIC}:5060`, `tcp://${PUBLIC}:5060`], people: [alice, bob] };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const args = [MAIN, '--data', join(folder, 'data'), '--config', join(folder, 'config.yaml')];
  const server = run('strowger', net.server, process.execPath, args);
  await server.until('Strowger is ready', (output) => output.includes('Strowger is ready.'), 20_000);

  // No control socket reaches into a home: each phone is told all it is to do when it starts.
  const phone = (person: typeof alice, tone: number, commands: readonly string[]): Program => {
    const place = writePhone(folder, person, transport, tone);
    return run(`baresip of ${person.extension}`, net.home(), peer('baresip').path, ['-f', place, ...commands]);
  };
  const callee = phone(bob, HIGH, []);
  await callee.until('it is registered', (output) => / 200 OK/.test(output));
  const seconds = String(TALK_MS / 1000 + 1);
  const caller = phone(alice, LOW, ['-e', `d sip:${bob.extension}@${DOMAIN}`, '-t', seconds]);
  await caller.until('the call stands', (output) => /established/i.test(output), 10_000);
  await callee.until('the caller hung up', (output) => /terminated/.test(output), TALK_MS + 5_000);
  await sleep(300);
  for (const [person, wanted, own] of [
    [alice, HIGH, LOW],
    [bob, LOW, HIGH],
  ] as const) {
    const heard = hearingOf(recordingOf(folder, person.extension), wanted, [own]);
    t.diagnostic(`${person.name}: ${heard.ms.get(wanted)} ms of ${wanted} Hz, longest gap ${heard.gapMs} ms`);
    assert.equal(heard.ms.get(own), 0, `${person.name} hears itself`);
    assert.ok((heard.ms.get(wanted) ?? 0) > TALK_MS - 2_000, `${person.name} heard ${heard.ms.get(wanted)} ms`);
    assert.ok(heard.gapMs <= LONGEST_GAP_MS, `${person.name}: ${heard.gapMs} ms without ${wanted} Hz`);
  }
}

function writePhone(
  folder: string,
  { extension: user, password }: { readonly extension: string; readonly password: string },
  transport: 'udp' | 'tcp',
  hertz: number,
): string {
  const place = join(folder, user);
  mkdirSync(join(place, 'rec'), { recursive: true });
  const tone = join(place, 'tone.wav');
  writeTone(tone, hertz, 30);
  const audio = { first: 20_000, last: 20_039 };
  const places = { folder: place, tone, sipPort: 5060, controlPort: 5070, audio };
  writeFileSync(join(place, 'config'), configOf(PRIVATE, places));
  const outbound = `outbound="sip:${PUBLIC}:5060;transport=${transport}"`;
  const account = `auth_user=${user};auth_pass=${password};${outbound};regint=60;audio_codecs=PCMU;answermode=auto`;
  writeFileSync(join(place, 'accounts'), `<sip:${user}@${DOMAIN};transport=${transport}>;${account}\n`);
  writeFileSync(join(place, 'contacts'), '');
  return place;
}

function recordingOf(folder: string, user: string): ReturnType<typeof readSound> {
  const place = join(folder, user, 'rec');
  const [name] = readdirSync(place).filter((file) => file.endsWith('-dec.wav'));
  if (name === undefined) throw new Error(`${user} has recorded nothing`);
  return readSound(join(place, name));
}
