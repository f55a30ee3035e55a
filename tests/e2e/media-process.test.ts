/** The media process with real sockets: a relay on ::1 and 127.0.0.1, a sprayer beside it, and signalling killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MediaClient } from '../../server/src/media/client.ts';
import type { LegName, MediaEvent, StreamLocal } from '../../server/src/media/port.ts';
import { openSocketPath } from '../../server/src/media/socket-path.ts';
import { rtpPacket } from '../../server/src/media/test-udp.ts';

const MAIN = new URL('../../server/src/boot/media.ts', import.meta.url).pathname;
const CONTROLLER = new URL('media-controller.ts', import.meta.url).pathname;
const OPTIONS = JSON.stringify({ addresses: ['127.0.0.1', '::1'], ports: '31000-31099' });

/** A folder deeper than the name of a Unix socket may be long. */
const folder = join(mkdtempSync(join(tmpdir(), 'strowger-media-')), 'a-data-folder-that-lies-deep'.repeat(4));
const path = join(folder, 'run', 'media.sock');

type Local = Readonly<Record<LegName, readonly StreamLocal[]>>;

/** The next JSON line that satisfies; lines before it are passed over. */
async function line<T>(child: ChildProcess, want: (value: T) => boolean = () => true): Promise<T> {
  if (!child.stdout) throw new Error('no stdout');
  for await (const text of createInterface({ input: child.stdout })) {
    const value = JSON.parse(text) as T;
    if (want(value)) return value;
  }
  throw new Error('the process ended before it said so');
}

async function startMedia(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, '--data', folder, '--options', OPTIONS], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  await line<{ event: string }>(child, ({ event }) => event === 'ready');
  return child;
}

/** A phone: counts what it hears, by the SSRC that says it. */
class Phone {
  readonly socket: Socket;
  readonly heard = new Map<number, number>();
  readonly senders = new Set<string>();
  #seq = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (bytes, { address, port }) => {
      const ssrc = bytes.readUInt32BE(8);
      this.heard.set(ssrc, (this.heard.get(ssrc) ?? 0) + 1);
      this.senders.add(`${address} ${port}`);
    });
  }

  get port(): number {
    return this.socket.address().port;
  }

  say(ssrc: number, to: StreamLocal): void {
    this.#seq += 1;
    this.socket.send(rtpPacket(this.#seq, ssrc), to.port, to.address);
  }

  static async at(address: string): Promise<Phone> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Phone(socket);
  }
}

async function upClient(): Promise<{ client: MediaClient; up: MediaEvent; events: MediaEvent[] }> {
  const client = new MediaClient({ path });
  const events: MediaEvent[] = [];
  const up = await new Promise<MediaEvent>((resolve) => {
    client.onEvent((event) => {
      events.push(event);
      resolve(event);
    });
  });
  return { client, up, events };
}

suite('media process', { timeout: 60_000 }, () => {
  const phones: Phone[] = [];
  let media: ChildProcess;
  let alice: Phone;
  let bob: Phone;

  before(async () => {
    media = await startMedia();
    alice = await Phone.at('127.0.0.1');
    bob = await Phone.at('::1');
    phones.push(alice, bob);
  });

  after(async () => {
    for (const { socket } of phones) socket.close();
    media.kill('SIGTERM');
    rmSync(join(folder, '..'), { recursive: true, force: true });
  });

  const setUp = (bridge: string) => ({
    allocate: { bridge, legs: { a: { bind: '127.0.0.1' }, b: { bind: '::1' } }, streams: 1 },
    connects: [
      {
        bridge,
        leg: 'a' as const,
        source: '127.0.0.1',
        streams: [{ address: '127.0.0.1', port: alice.port, rtcpPort: 0 }],
      },
      { bridge, leg: 'b' as const, source: '::1', streams: [{ address: '0:0::1', port: bob.port, rtcpPort: 0 }] },
    ],
  });

  test('RTP bleed: audio passes; a sprayer of all ports, before and during it, hears nothing and is not heard', async () => {
    const { client } = await upClient();
    const { allocate, connects } = setUp('bleed');
    const third = await Phone.at('127.0.0.2');
    const neighbour = await Phone.at('127.0.0.1');
    phones.push(third, neighbour);
    const spray = () => {
      for (let port = 31_000; port < 31_100; port += 1) {
        for (const eve of [third, neighbour]) eve.say(666, { address: '127.0.0.1', port, rtcpPort: 0 });
      }
    };
    const local: Local = await client.allocate(allocate);
    const [a, b] = [local.a[0] as StreamLocal, local.b[0] as StreamLocal];
    spray();
    await sleep(50);
    alice.say(1, a);
    for (const connect of connects) await client.connect(connect);
    // The phone has spoken by the time its neighbour on the same host tries: what that may do before is latch.test.ts.
    alice.say(1, a);
    await sleep(50);
    for (let i = 0; i < 40; i += 1) {
      alice.say(1, a);
      bob.say(2, b);
      if (i % 10 === 5) spray();
      await sleep(10);
    }
    await sleep(100);
    assert.deepEqual([...bob.heard.keys()], [1]);
    assert.deepEqual([...alice.heard.keys()], [2]);
    assert.ok((bob.heard.get(1) ?? 0) >= 40 && (alice.heard.get(2) ?? 0) >= 40);
    assert.deepEqual([...alice.senders], [`127.0.0.1 ${a.port}`]);
    assert.deepEqual([third.heard.size, neighbour.heard.size], [0, 0]);
    const stats = await client.release('bleed');
    const dropped = stats?.legs.a[0]?.dropped;
    assert.ok((dropped?.foreign ?? 0) >= 4 && (dropped?.['other-port'] ?? 0) >= 4, JSON.stringify(dropped));
    client.close();
  });

  test('kill -9 of signalling leaves audio flowing; the next one gets the list, adopts and releases', async () => {
    const controller = spawn(process.execPath, [CONTROLLER, path, JSON.stringify(setUp('lives'))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const local = await line<Local>(controller);
    const [a, b] = [local.a[0] as StreamLocal, local.b[0] as StreamLocal];
    for (const phone of [alice, bob]) phone.heard.clear();
    let sent = 0;
    const talk = setInterval(() => {
      sent += 1;
      alice.say(11, a);
      bob.say(12, b);
    }, 20);
    await sleep(300);
    controller.kill('SIGKILL');
    await once(controller, 'exit');
    await sleep(500);
    const { client, up } = await upClient();
    assert.ok(up.kind === 'up');
    assert.deepEqual(
      up.bridges.map(({ bridge, owned }) => [bridge, owned]),
      [['lives', false]],
    );
    assert.deepEqual(up.bridges[0]?.media.b.local, local.b);
    assert.deepEqual(await client.adopt(['lives']), ['lives']);
    await sleep(200);
    clearInterval(talk);
    await sleep(100);
    assert.ok((bob.heard.get(11) ?? 0) >= sent - 1 && (alice.heard.get(12) ?? 0) >= sent - 1, `${sent} sent`);
    const stats = await client.release('lives');
    assert.ok((stats?.legs.a[0]?.packets ?? 0) >= sent - 1);
    assert.deepEqual(await client.list(), []);
    client.close();
  });

  test('the newest controller wins, and the older is told; what is no request is answered as an error', async () => {
    const one = await upClient();
    const two = await upClient();
    await sleep(50);
    assert.deepEqual(one.events.at(-1), { kind: 'down', why: 'replaced' });
    await assert.rejects(one.client.list(), { code: 'MEDIA_DOWN' });
    await assert.rejects(two.client.allocate({ ...setUp('x').allocate, streams: 99 }), { code: 'MEDIA_BAD_REQUEST' });
    const outside = { a: { bind: '127.0.0.9' }, b: { bind: '::1' } };
    await assert.rejects(two.client.allocate({ bridge: 'x', legs: outside, streams: 1 }), {
      code: 'MEDIA_BAD_ADDRESS',
    });
    const { path: short, close } = openSocketPath(path);
    const raw = connectSocket(short);
    raw.write('GET / HTTP/1.1\n{"id":7,"method":"list"}\n');
    const answers = createInterface({ input: raw })[Symbol.asyncIterator]();
    const codes = [];
    for (let i = 0; i < 2; i += 1) codes.push(JSON.parse((await answers.next()).value ?? '{}'));
    assert.deepEqual(
      codes.map(({ id, error }) => [id, error.code]),
      [
        [null, 'MEDIA_BAD_REQUEST'],
        [7, 'MEDIA_NOT_CONTROLLER'],
      ],
    );
    raw.destroy();
    close();
    two.client.close();
  });

  test('kill -9 of media: `down`, then `up` with nothing, and the call gets its old ports again', async () => {
    const { client, events } = await upClient();
    const { allocate, connects } = setUp('again');
    const local: Local = await client.allocate(allocate);
    media.kill('SIGKILL');
    await once(media, 'exit');
    media = await startMedia();
    for (let i = 0; i < 100 && !client.up; i += 1) await sleep(20);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['up', 'down', 'up'],
    );
    const legs = {
      a: { bind: '127.0.0.1', ports: local.a.map(({ port }) => port) },
      b: { bind: '::1', ports: local.b.map(({ port }) => port) },
    };
    assert.deepEqual(await client.allocate({ ...allocate, legs }), local);
    for (const connect of connects) await client.connect(connect);
    bob.heard.clear();
    alice.say(21, local.a[0] as StreamLocal);
    await sleep(100);
    assert.deepEqual([...bob.heard], [[21, 1]]);
    client.close();
  });

  test('SIGTERM, and the end of the supervisor, end it with exit code 0', async () => {
    media.kill('SIGTERM');
    assert.deepEqual(await once(media, 'exit'), [0, null]);
    media = await startMedia();
    media.disconnect();
    assert.deepEqual(await once(media, 'exit'), [0, null]);
  });
});
