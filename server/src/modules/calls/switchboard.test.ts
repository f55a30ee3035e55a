import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { octets } from '@strowger/proto';
import type { Plan, Target } from '../../kernel/exchange.ts';
import { ALL_RIGHTS } from '../../kernel/principal.ts';
import { because, type Reason } from '../../kernel/reason.ts';
import { asModule, PHONE, type Rig, startRig } from '../../kernel/rig.ts';
import { MediaError, type MediaPort, type StreamLocal } from '../../media/port.ts';
import { JournalMemory } from '../../storage/journal-memory.ts';
import { type DirectoryService, directory } from '../directory/api.ts';
import { type LocationService, location } from '../location/api.ts';
import { type CallsService, calls, type EndedCall } from './api.ts';
import type { CallSnapshot } from './live-call.ts';
import { callsModule } from './module.ts';

const BOB = { ...PHONE, remote: { address: '198.51.100.8', port: 5060 } };

const SDP = (port: number) => [
  'v=0',
  'o=- 1 1 IN IP4 198.51.100.7',
  's=-',
  'c=IN IP4 198.51.100.7',
  't=0 0',
  `m=audio ${port} RTP/AVP 0`,
  '',
];

let serial = 0;
const invite = (o: { contact?: boolean; body?: boolean; type?: boolean } = {}): readonly string[] => {
  serial += 1;
  return [
    'INVITE sip:1002@example.test SIP/2.0',
    `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKi${serial}`,
    'Max-Forwards: 10',
    'From: "Alice" <sip:1001@example.test>;tag=a1',
    'To: <sip:1002@example.test>',
    `Call-ID: call-${serial}`,
    'CSeq: 1 INVITE',
    ...(o.contact === false ? [] : ['Contact: <sip:1001@198.51.100.7:5062>']),
    ...(o.type === false ? [] : ['Content-Type: application/sdp']),
    ...(o.body === false ? [] : ['', ...SDP(4000)]),
  ];
};

/** What a phone says to the request it was sent. */
function reply(text: string, status: string, body: readonly string[] = []): readonly string[] {
  const field = (name: string) => [...text.matchAll(new RegExp(`^${name}: .*$`, 'gm'))].map(([line]) => line.trim());
  return [
    `SIP/2.0 ${status}`,
    ...field('Via'),
    ...field('From'),
    ...field('To').map((line) => (line.includes('tag=') ? line : `${line};tag=b1`)),
    ...field('Call-ID'),
    ...field('CSeq'),
    'Contact: <sip:1002@198.51.100.8:5060>',
    ...(body.length === 0 ? [] : ['Content-Type: application/sdp', '', ...body]),
  ];
}

interface World {
  readonly rig: Rig;
  readonly service: CallsService;
  readonly ended: EndedCall[];
  /** What media was asked. */
  readonly media: string[];
}

async function world(
  o: {
    config?: string;
    disk?: JournalMemory;
    ports?: (first: number) => readonly StreamLocal[];
    connect?: MediaPort['connect'];
    people?: Partial<DirectoryService>;
    places?: Partial<LocationService>;
  } = {},
): Promise<World> {
  const media: string[] = [];
  const ended: EndedCall[] = [];
  let service: CallsService | undefined;
  const usual = (first: number): readonly StreamLocal[] => [{ address: '192.0.2.1', port: first, rtcpPort: first + 1 }];
  const ports = o.ports ?? usual;
  const target: Target = {
    uri: octets`sip:1002@198.51.100.8:5060`,
    path: [],
    flow: BOB,
    aor: '1002',
    bindingKey: 'k0',
    q: 1,
  };
  const plan: Plan = {
    kind: 'targets',
    mode: 'b2bua',
    callee: { tenant: 't', extension: '1002', name: 'Bob' },
    targets: [target],
    reason: because('found'),
  };
  const rig = await startRig({
    ...o,
    media: {
      allocate: async ({ bridge }) => {
        media.push(`allocate ${bridge.split('/')[1]}`);
        return { a: ports(30_000), b: ports(31_000) };
      },
      ...(o.connect === undefined ? {} : { connect: o.connect }),
      release: async (bridge) => void media.push(`release ${bridge.split('/')[1]}`),
      list: async () => [],
    },
    modules: [
      asModule(
        (context) => {
          context.provide(directory, { ...PEOPLE, ...o.people });
          context.provide(location, { ...PLACES, ...o.places });
          context.authenticate({
            name: 'all',
            run: () => ({
              kind: 'device',
              tenant: 't',
              person: 'p1',
              device: 'd1',
              extension: '1001',
              proof: 'digest',
              rights: ALL_RIGHTS,
            }),
          });
          context.route({ name: 'r', run: () => plan });
        },
        { name: 'around', offers: [directory, location] },
      ),
      callsModule,
      asModule(
        (context) => {
          service = context.use(calls);
          service.onEnded(() => {
            throw new Error('a listener’s own trouble');
          });
          service.onEnded((call) => void ended.push(call));
        },
        { name: 'listener', needs: [calls] },
      ),
    ],
  });
  assert.ok(service);
  return { rig, service, ended, media };
}

const PEOPLE: DirectoryService = {
  defaultTenant: 't',
  tenantOf: () => 't',
  isOurs: () => true,
  domainOf: () => octets`example.test`,
  find: () => undefined,
  extensionOf: () => undefined,
  byExtension: (_, extension) => ({ extension, person: 'p', name: `Person ${extension}`, disabled: false }),
  device: () => undefined,
  ha1: () => octets`0`,
};

const PLACES: LocationService = {
  bindings: () => [],
  find: () => undefined,
  update: (_, decide) => decide([]),
  hasRoom: () => true,
  flowOf: () => PHONE,
  boot: 'boot',
  size: 0,
};

/** Media answers in microtasks. */
const settle = async () => {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
};

async function talking(
  o: Parameters<typeof world>[0] = {},
): Promise<World & { readonly toBob: string; readonly toAlice: string }> {
  const all = await world(o);
  all.rig.deliver(invite());
  await settle();
  const toBob = all.rig.take().find(({ text }) => text.startsWith('INVITE'))?.text ?? assert.fail('no INVITE');
  all.rig.deliver(reply(toBob, '200 OK', SDP(5000)), BOB);
  const toAlice = all.rig.take().find(({ text }) => text.startsWith('SIP/2.0 200'))?.text ?? assert.fail('no 200');
  const tag = /^To: .*tag=(\S+)/m.exec(toAlice)?.[1];
  all.rig.deliver(inDialog('ACK', toAlice, tag));
  return { ...all, toBob, toAlice };
}

function inDialog(method: string, ok: string, tag: string | undefined, cseq = 1): readonly string[] {
  serial += 1;
  return [
    `${method} sip:x@192.0.2.1 SIP/2.0`,
    `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKd${serial}`,
    'Max-Forwards: 70',
    'From: <sip:1001@example.test>;tag=a1',
    `To: <sip:1002@example.test>;tag=${tag}`,
    `Call-ID: ${/^Call-ID: (.*)$/m.exec(ok)?.[1]?.trim()}`,
    `CSeq: ${cseq} ${method}`,
  ];
}
const tagOf = (ok: string) => /^To: .*tag=(\S+)/m.exec(ok)?.[1];

function assertNothingLeft({ rig, service }: World): void {
  rig.advance(100_000);
  const { timers, ...left } = rig.kernel.report();
  assert.deepEqual(left, { clientTransactions: 0, serverTransactions: 0, dialogs: 0, watchedInvites: 0 });
  assert.equal(timers, 0);
  assert.equal(service.size, 0);
  assert.equal(rig.kernel.bounds.used('calls.live'), 0);
  assert.equal(rig.disk.records.get('calls.calls')?.size ?? 0, 0);
}

suite('switchboard', () => {
  test('a call from INVITE to BYE: in our name, with our ports, one hop less, and nothing is left', async () => {
    const all = await talking();
    assert.match(all.toBob, /^Max-Forwards: 9\r$/m);
    assert.match(all.toBob, /^From: "?Person 1001"? <sip:1001@example\.test>;tag=/m);
    assert.match(all.toBob, /^m=audio 31000 /m);
    assert.match(all.toAlice, /^m=audio 30000 /m);
    assert.deepEqual(
      all.service.list('t').map(({ phase, caller, callee }) => [phase, caller.number, callee.number]),
      [['up', '1001', '1002']],
    );
    assert.deepEqual(all.service.list('another'), []);
    all.rig.deliver(inDialog('BYE', all.toAlice, tagOf(all.toAlice), 2));
    const [ok, bye] = all.rig.take();
    assert.match(ok?.text ?? '', /^SIP\/2\.0 200 /);
    all.rig.deliver(reply(bye?.text ?? '', '200 OK'), BOB);
    assertNothingLeft(all);
    assert.deepEqual(all.media, ['allocate 0', 'release 0']);
    assert.deepEqual(
      all.ended.map(({ end, answeredBy }) => [end.reason.code, answeredBy]),
      [['caller-hung-up', 'k0']],
    );
    assert.deepEqual(all.rig.events(), ['call-ended', 'call-end-not-heard']);
  });

  test('RFC 3261 §12.1.1 an INVITE without Contact: 400, no phone rings, nothing is kept', async () => {
    const all = await world();
    all.rig.deliver(invite({ contact: false }));
    await settle();
    assert.deepEqual(all.rig.takeLines(), ['SIP/2.0 400 Bad Request']);
    assert.deepEqual(all.media, []);
    assertNothingLeft(all);
  });

  test('§12.2.2 a BYE with our tag but not the caller’s: 481, and the call goes on', async () => {
    const all = await talking();
    const bye = inDialog('BYE', all.toAlice, tagOf(all.toAlice), 2);
    all.rig.deliver(bye.map((line) => line.replace('tag=a1', 'tag=somebody')));
    assert.deepEqual(all.rig.takeLines(), ['SIP/2.0 481 Call/Transaction Does Not Exist']);
    all.rig.deliver(inDialog('BYE', all.toAlice, 'another', 2));
    assert.deepEqual(all.rig.takeLines(), ['SIP/2.0 481 Call/Transaction Does Not Exist']);
    assert.equal(all.service.list('t')[0]?.phase, 'up');
  });

  test('an exception while a call begins: 500, and its place, its dialog and itself are given back', async () => {
    const fail = (): never => {
      throw new Error('ours');
    };
    for (const o of [{ people: { byExtension: fail } }, { places: { bindings: fail } }]) {
      const all = await world(o);
      all.rig.deliver(invite());
      await settle();
      assert.deepEqual(all.rig.takeLines(), ['SIP/2.0 500 Server Internal Error']);
      assert.deepEqual(all.media, []);
      assertNothingLeft(all);
    }
  });

  test('a description that media will not send to: the call goes on, and says why that side hears nothing', async () => {
    const all = await talking({
      connect: async ({ leg }) => {
        if (leg === 'b') throw new MediaError('MEDIA_LOOP', 'our own port');
      },
    });
    await settle();
    const reasons = [...all.rig.kernel.trace.records()]
      .filter(({ kind }) => kind === 'why')
      .map(({ text }) => JSON.parse(text) as Reason);
    assert.deepEqual(
      reasons.filter(({ code }) => code === 'media-description-refused'),
      [{ code: 'media-description-refused', data: { code: 'MEDIA_LOOP', side: 'callee' } }],
    );
    assert.deepEqual(all.rig.events(), ['media-description-refused']);
    assert.equal(all.service.list('t')[0]?.phase, 'up');
  });

  test('a body that names no type is SDP', async () => {
    const all = await world();
    all.rig.deliver(invite({ type: false }));
    await settle();
    assert.match(all.rig.take().find(({ text }) => text.startsWith('INVITE'))?.text ?? '', /^m=audio 31000 /m);
  });

  test('RFC 3261 §20.11 a body that may be ignored is no offer: the phone is asked for one', async () => {
    const all = await world();
    const optional = ['Content-Type: application/isup', 'Content-Disposition: signal;handling=optional', '', 'x'];
    all.rig.deliver([...invite({ type: false, body: false }), ...optional]);
    await settle();
    const toBob = all.rig.take().find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    assert.match(toBob, /\r\nContent-Length: 0\r\n\r\n$/);
    all.rig.deliver(reply(toBob, '200 OK', SDP(5000)), BOB);
    await settle();
    assert.match(all.rig.take().find(({ text }) => text.startsWith('SIP/2.0 200'))?.text ?? '', /^m=audio 30000 /m);
  });

  test('more calls than the limit: 503 with Retry-After, and room again when one is over', async () => {
    const all = await world({ config: 'limits: { calls: 1 }' });
    all.rig.deliver(invite());
    await settle();
    const toBob = all.rig.take().find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    const [refused] = all.rig.ask(invite());
    assert.match(refused?.text ?? '', /^SIP\/2\.0 503 (?:.*\r\n)*Retry-After: 10\r\n/);
    all.rig.deliver(reply(toBob, '486 Busy Here'), BOB);
    assert.ok(all.rig.takeLines().includes('SIP/2.0 486 Busy Here'));
    assertNothingLeft(all);
  });

  test('an administrator hangs up; of another tenant’s call nobody knows', async () => {
    const all = await talking();
    const [{ id } = { id: '' }] = all.service.list('t');
    assert.equal(all.service.hangUp('another', id, 'x'), false);
    assert.equal(all.service.hangUp('t', 'no such', 'x'), false);
    assert.equal(all.service.hangUp('t', id, 'x'), true);
    assert.deepEqual(
      all.rig.takeLines().map((line) => line.split(' ')[0]),
      ['BYE', 'BYE'],
    );
    assertNothingLeft(all);
    assert.equal(all.ended[0]?.end.reason.code, 'hung-up-by-administrator');
  });

  test('a mistake of ours ends the call it is made in, tells its phones, and leaves nothing', async () => {
    const broken = await world({ ports: () => undefined as never });
    broken.rig.deliver(invite());
    await settle();
    assert.deepEqual(broken.rig.takeLines(), ['SIP/2.0 480 Temporarily Unavailable']);
    assert.deepEqual(
      broken.ended.map(({ end }) => end.reason.code),
      ['server-error'],
    );
    assertNothingLeft(broken);
    const all = await talking();
    const { respond } = all.rig.kernel.sip;
    all.rig.kernel.sip.respond = () => assert.fail('a bug');
    all.rig.deliver(inDialog('INFO', all.toAlice, tagOf(all.toAlice), 2));
    const info = all.rig.take().find(({ text }) => text.startsWith('INFO'))?.text ?? '';
    all.rig.deliver(reply(info, '200 OK'), BOB);
    all.rig.kernel.sip.respond = respond;
    assert.deepEqual(
      all.rig.takeLines().map((line) => line.split(' ')[0]),
      ['BYE', 'BYE'],
    );
    assertNothingLeft(all);
  });

  test('the longest time a call may last', async () => {
    const all = await talking({ config: 'calls: { maxSeconds: 60 }' });
    all.rig.advance(59_000);
    all.rig.take();
    all.rig.advance(2_000);
    assert.deepEqual(
      all.rig
        .takeLines()
        .map((line) => line.split(' ')[0])
        .slice(0, 2),
      ['BYE', 'BYE'],
    );
    assertNothingLeft(all);
  });

  test('at an orderly end every call is hung up, recorded, and leaves no snapshot', async () => {
    const all = await talking();
    await all.rig.kernel.stop();
    assert.deepEqual(
      all.rig.takeLines().map((line) => line.split(' ')[0]),
      ['BYE', 'BYE'],
    );
    assert.equal(all.ended[0]?.end.reason.code, 'server-stops');
    assertNothingLeft(all);
  });
});

suite('calls after kill -9', () => {
  test('one that was up goes on: a BYE ends it at both phones; its media is asked for again', async () => {
    const before = await talking();
    const after = await world({ disk: before.rig.disk });
    await settle();
    assert.deepEqual(after.media, ['allocate 0']);
    assert.deepEqual(
      after.service.list('t').map(({ phase }) => phase),
      ['up'],
    );
    after.rig.deliver(inDialog('BYE', before.toAlice, tagOf(before.toAlice), 2));
    assert.deepEqual(
      after.rig.takeLines().map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['SIP/2.0 200', 'BYE sip:1002@198.51.100.8:5060'],
    );
    assertNothingLeft(after);
  });

  test('one that rang is recorded as lost, once, and its bridge goes back', async () => {
    const before = await world();
    before.rig.deliver(invite());
    await settle();
    const toBob = before.rig.take().find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    before.rig.deliver(reply(toBob, '180 Ringing'), BOB);
    before.rig.take();
    const after = await world({ disk: before.rig.disk });
    assert.deepEqual(
      after.ended.map(({ end }) => end.reason.code),
      ['signalling-restarted-before-answer'],
    );
    assert.deepEqual(after.media, ['release 0']);
    assertNothingLeft(after);
  });

  test('no room for it any more: recorded, released, and the bound is exact', async () => {
    const before = await talking();
    const [[id, record] = ['', { json: '', until: 0 }]] = before.rig.disk.records.get('calls.calls') ?? [];
    const disk = new JournalMemory();
    disk.records.set(
      'calls.calls',
      new Map([
        [id, record],
        [`${id}2`, { ...record, json: record.json.replaceAll(id, `${id}2`) }],
      ]),
    );
    const after = await world({ disk, config: 'limits: { calls: 1 }' });
    assert.deepEqual([after.service.size, after.rig.kernel.bounds.used('calls.live')], [1, 1]);
    assert.deepEqual(
      after.ended.map(({ end }) => end.reason.code),
      ['too-many-calls'],
    );
    after.service.hangUp('t', id, 'x');
    assertNothingLeft(after);
  });

  test('a snapshot is plain data that says nothing of sockets or secrets', async () => {
    const { rig } = await talking();
    const [json] = [...(rig.disk.records.get('calls.calls')?.values() ?? [])].map((record) => record.json);
    const snapshot = JSON.parse(json ?? '') as CallSnapshot;
    assert.deepEqual(
      snapshot.legs.map(({ id, call }) => [id, call.state]),
      [
        ['a', 'confirmed'],
        ['b1', 'confirmed'],
      ],
    );
    assert.deepEqual(Object.keys(snapshot).sort(), ['at', 'coupling', 'described', 'facts', 'legs']);
    assert.ok(!/password|secret|ha1|nonce/i.test(json ?? ''));
    assert.ok(!json?.includes('connection'));
  });
});
