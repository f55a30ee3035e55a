import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Octets } from '@strowger/proto';
import { Prng, story, VirtualClock, VirtualNetwork, whatIsLeft } from '@strowger/testkit';
import { flaws } from '../support/names.ts';
import { isSip } from './support/packets.ts';
import { ScenarioServer, SERVER_ADDRESS } from './support/server.ts';

const STRANGER = '203.0.113.5';
const MESSAGES = 700;

suite('sound messages made unsound', () => {
  for (const seed of [1, 2, 3, 110, 147]) {
    test(`seed ${seed}: ${MESSAGES} of them from a trusted address: nothing throws, nothing is left, all that leaves is sound`, async () => {
      const clock = new VirtualClock();
      const network = new VirtualNetwork({ clock, seed, conditions: {} });
      const config = `trusted: [${STRANGER}/32]\ncalls: { ringSeconds: 5, maxSeconds: 60 }`;
      const server = await ScenarioServer.start(network, { people: ['1001', '1002'], config });
      const alice = await server.phone('1001', { behaviour: { kind: 'busy' } });
      const bob = await server.phone('1002', { behaviour: { kind: 'answer', afterMs: 50 } });
      for (const phone of [alice, bob]) phone.register(3600);
      assert.ok(await clock.until(() => alice.registered && bob.registered));

      const udp = network.host('stranger', STRANGER).createUdpSet();
      const socket = await udp.bind({ address: STRANGER, port: 5060 });
      const heard: string[] = [];
      udp.onBatch((batch) => {
        for (const { bytes } of batch) heard.push(Buffer.from(bytes).toString('latin1'));
      });
      const prng = new Prng(seed);
      for (let i = 0; i < MESSAGES; i += 1) {
        const text = mutate(prng, sound(prng, i, heard));
        udp.send(socket, text as Octets, { address: SERVER_ADDRESS, port: 5060 });
        await clock.run(prng.below(40));
      }
      await clock.run(300_000);

      const { counters } = server.kernel;
      assert.equal(counters.of('kernel_handler_errors').value, 0, story(network, server.errors.join('\n')));
      assert.deepEqual(server.errors, []);
      assert.ok(heard.length > MESSAGES / 2);
      assert.deepEqual(whatIsLeft({ server: server.leftovers() }), [], story(network, 'something is left'));
      // A value that came folded goes back folded: a continuation line is no line of its own.
      const sent = network.packets.filter((packet) => isSip(packet) && packet.fromHost === 'server');
      const unsound = sent.flatMap(({ text }) =>
        flaws(text.replace(/\r\n[ \t]+/g, ' ')).map((flaw) => `${flaw} in ${text}`),
      );
      assert.deepEqual(
        unsound.filter((flaw) => !flaw.startsWith('no UTF-8')),
        [],
      );

      const call = alice.call('1002');
      await clock.run(2_000);
      assert.equal(call.phase, 'talking', story(network, 'no call afterwards'));
      call.hangUp();
      await clock.run(60_000);
      await server.close();
    });
  }
});

const SDP =
  'v=0\r\no=- 1 1 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n';

/** A request such as phones send, within a dialog that there may be, or a response to what came last. */
function sound(prng: Prng, i: number, heard: readonly string[]): string {
  const last = heard.at(-1) ?? '';
  if (prng.chance(0.2) && /^[A-Z]+ sip:/.test(last)) return response(prng, last);
  const method = prng.pick([
    'INVITE',
    'INVITE',
    'INVITE',
    'REGISTER',
    'OPTIONS',
    'BYE',
    'CANCEL',
    'ACK',
    'UPDATE',
    'INFO',
  ]);
  const answered = heard.findLast((text) => text.startsWith('SIP/2.0 200') && text.includes(' INVITE\r\n'));
  const field = (name: string): string => new RegExp(`^${name}: (.*)\r$`, 'm').exec(answered ?? '')?.[1] ?? '';
  const within = answered !== undefined && prng.chance(method === 'INVITE' ? 0.2 : 0.8);
  const number = prng.pick(['1001', '1002', '1002', '1003']);
  const body = method === 'INVITE' && prng.chance(0.9) ? SDP : '';
  return [
    `${method} ${within ? (/<(.*)>/.exec(field('Contact'))?.[1] ?? 'sip:x') : `sip:${number}@example.test`} SIP/2.0`,
    `Via: SIP/2.0/UDP ${STRANGER}:5060;rport;branch=z9hG4bK${method === 'CANCEL' ? i - 1 : i}`,
    'Max-Forwards: 70',
    `From: ${within ? field('From') : `"A" <sip:+4930@example.test>;tag=a${i}`}`,
    `To: ${within ? field('To') : `<sip:${number}@example.test>`}`,
    `Call-ID: ${within ? field('Call-ID') : `call-${i}`}`,
    `CSeq: ${i + 1} ${method}`,
    `Contact: <sip:a@${STRANGER}:5060>`,
    ...(method === 'REGISTER' ? ['Expires: 60'] : []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

function response(prng: Prng, request: string): string {
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map(
    (name) => new RegExp(`^${name}: .*\r$`, 'm').exec(request)?.[0].trimEnd() ?? '',
  );
  const status = prng.pick([
    '100 Trying',
    '180 Ringing',
    '183 Progress',
    '200 OK',
    '302 Moved',
    '401 No',
    '486 Busy',
    '500 Oh',
    '603 No',
  ]);
  const head = [`SIP/2.0 ${status}`, ...copied, `Contact: <sip:a@${STRANGER}:5060>`, 'Content-Type: application/sdp'];
  return [...head, `Content-Length: ${SDP.length}`, '', SDP].join('\r\n');
}

/** Up to three changes; none of them one in four times. */
function mutate(prng: Prng, sound: string): string {
  let text = sound;
  for (let n = prng.below(4); n > 0; n -= 1) text = change(prng, text);
  return text;
}

function change(prng: Prng, text: string): string {
  const at = prng.below(text.length);
  const lines = text.split('\r\n');
  const line = prng.below(lines.length);
  const other = prng.below(lines.length);
  switch (prng.below(9)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(prng.below(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + prng.below(20));
    case 2:
      return lines.toSpliced(line, 1).join('\r\n');
    case 3:
      return lines.toSpliced(line, 0, lines[other] ?? '').join('\r\n');
    case 4:
      return `${text.slice(0, at)}\r\n${text.slice(at)}`;
    case 5:
      return (
        text.slice(0, at) + prng.pick([',', ';', '"', '<', '>', '%', ':', '\\', ' ', '\t', '\0', '=']) + text.slice(at)
      );
    case 6:
      return lines
        .with(line, lines[other] ?? '')
        .with(other, lines[line] ?? '')
        .join('\r\n');
    case 7:
      return text.replace(/\d+/, String(prng.chance(0.5) ? 2 ** 32 + prng.below(9) : prng.below(70_000)));
    default:
      return lines.with(line, `${lines[line]}${lines[line]}`).join('\r\n');
  }
}
