import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assumeOctets, type Destination, type Flow, type Octets, octets } from '@strowger/proto';
import { type ClientKey, parseMessage, type ServerKey, type SipRequest, type SipResponse } from '@strowger/sip';
import { startIncoming, startOutgoing } from '@strowger/sip/ua';
import { Bounds } from '../../kernel/bounds.ts';
import type { ClientOwner, ModuleContext, ServerOwner, SipPort, SipRequestOut } from '../../kernel/context.ts';
import { DialogTable } from '../../kernel/dialog-table.ts';
import type { Exchange } from '../../kernel/exchange.ts';
import { ANONYMOUS } from '../../kernel/principal.ts';
import { because } from '../../kernel/reason.ts';
import { PHONE, Rig } from '../../kernel/rig.ts';
import type { LegEvent } from './leg.ts';
import { SipLeg } from './sip-leg.ts';

function message(lines: readonly string[], body = ''): SipRequest | SipResponse {
  const outcome = parseMessage(assumeOctets(`${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
  assert.ok(outcome.kind === 'message');
  return outcome.message;
}

/** A SIP port that writes down what it is asked, and lets the test be the stack. */
class FakePort implements Partial<SipPort> {
  readonly log: string[] = [];
  readonly dialogs: DialogTable;
  readonly watched: Map<number, ServerOwner> = new Map();
  readonly requests: { readonly key: ClientKey; readonly text: Octets; readonly owner: ClientOwner }[] = [];
  live = true;
  resolvable = true;

  constructor(room = 10) {
    this.dialogs = new DialogTable(new Bounds().declare({ name: 'dialogs', cap: room, whenFull: '' }));
  }

  request({ method, text, target }: SipRequestOut, owner: ClientOwner): ClientKey {
    const key = (this.requests.length + 1) as ClientKey;
    this.requests.push({ key, text, owner });
    this.log.push(`${method} → ${where(target)}`);
    return key;
  }

  respond(_: unknown, text: Octets): void {
    this.log.push(text.split('\r\n', 1)[0] ?? '');
  }

  resend(text: Octets): void {
    this.log.push(`again ${text.split('\r\n', 1)[0]}`);
  }

  ack(_: Octets, target: Destination): void {
    this.log.push(`ACK → ${where(target)}`);
  }

  cancel(key: ClientKey): void {
    this.log.push(`CANCEL of ${key}`);
  }

  watch(key: ServerKey, owner: ServerOwner): void {
    this.watched.set(key, owner);
  }

  allow(): Octets {
    return octets`INVITE`;
  }

  isLive(): boolean {
    return this.live;
  }

  resolve(): Destination | undefined {
    return this.resolvable
      ? { kind: 'address', transport: 'udp', remote: { address: '203.0.113.1', port: 5060 } }
      : undefined;
  }

  take(): readonly string[] {
    return this.log.splice(0);
  }
}

const where = (to: Destination) => (to.kind === 'flow' ? to.flow.remote.port : to.remote.port);

function rig(o: { room?: number; flow?: Flow } = {}) {
  const world = new Rig();
  const port = new FakePort(o.room);
  const events: LegEvent[] = [];
  const gone: string[] = [];
  const way = { flow: o.flow ?? PHONE, device: true };
  const context = { ...world.kernel.services.contextOf({ name: 't', needs: [], offers: [], setup() {} }), sip: port };
  const leg = new SipLeg({
    id: 'b1',
    context: context as unknown as ModuleContext,
    listener: { onLegEvent: (_, event) => void events.push(event) },
    principal: ANONYMOUS,
    way: () => way,
    onGone: ({ id }) => void gone.push(id),
  });
  const heard = () =>
    events.splice(0).map((event) => ('status' in event ? `${event.kind} ${event.status}` : event.kind));
  return { world, port, leg, heard, gone, way, events };
}

const outgoing = (uri = 'sip:1002@10.0.0.1:5070', now = 0) =>
  startOutgoing(
    {
      uri: octets`${uri as never}`,
      from: octets`<sip:1001@example.test>`,
      to: octets`<sip:1002@example.test>`,
      callId: octets`c1`,
      localTag: octets`ours`,
      contact: octets`<sip:x@192.0.2.1>`,
      body: { type: octets`application/sdp`, text: octets`v=0` },
      autoAck: true,
      noAnswer: 60_000,
    },
    now as never,
  );

const response = (status: string, method = 'INVITE', body = '') =>
  message(
    [
      `SIP/2.0 ${status}`,
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx',
      'From: <sip:1001@example.test>;tag=ours',
      'To: <sip:1002@example.test>;tag=theirs',
      'Call-ID: c1',
      `CSeq: 1 ${method}`,
      'Contact: <sip:1002@10.0.0.1:5070>',
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
    ],
    body,
  ) as SipResponse;

let serial = 0;
function exchange(method: string, from: string, to: string, o: { seq?: number; body?: string } = {}): Exchange {
  serial += 1;
  const request = message(
    [
      `${method} sip:x@192.0.2.1 SIP/2.0`,
      `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK${serial}`,
      `From: <sip:1002@example.test>${from}`,
      `To: <sip:1001@example.test>${to}`,
      'Call-ID: c1',
      `CSeq: ${o.seq ?? 1} ${method}`,
      'Contact: <sip:1002@10.0.0.1:5070>',
      ...(o.body === undefined ? [] : ['Content-Type: application/sdp']),
    ],
    o.body,
  ) as SipRequest;
  return { key: serial as ServerKey, request, flow: PHONE, class: 'in-dialog', principal: ANONYMOUS, trail: [] };
}

/** An outgoing leg that was answered. */
function talking(o: Parameters<typeof rig>[0] = {}) {
  const all = rig(o);
  all.leg.begin(...outgoing());
  const [invite] = all.port.requests;
  assert.ok(invite);
  all.leg.response(invite.key, response('200 OK', 'INVITE', 'v=0'));
  all.port.take();
  all.heard();
  return all;
}

suite('SIP leg, outgoing', () => {
  test('rings, is answered and acknowledged, hears BYE, and leaves nothing', () => {
    const { world, port, leg, heard, gone, events } = rig();
    assert.ok(leg.begin(...outgoing()));
    assert.deepEqual(port.take(), ['INVITE → 5062']);
    const [invite] = port.requests;
    assert.ok(invite);
    leg.response(invite.key, response('180 Ringing'));
    leg.response(invite.key, response('200 OK', 'INVITE', 'v=0'));
    const answered = events.find(({ kind }) => kind === 'answered');
    assert.deepEqual(answered?.kind === 'answered' && answered.body, { type: 'application/sdp', text: 'v=0' });
    assert.deepEqual(heard(), ['progress 180', 'answered']);
    assert.deepEqual(port.take(), ['ACK → 5062']);
    assert.equal(leg.request(exchange('BYE', ';tag=theirs', ';tag=ours')), undefined);
    assert.deepEqual([port.take(), heard(), gone], [['SIP/2.0 200 OK'], ['ended'], ['b1']]);
    assert.deepEqual([port.dialogs.size, world.wheel.size], [0, 0]);
    assert.equal(leg.request(exchange('BYE', ';tag=theirs', ';tag=ours', { seq: 2 }))?.status, 481);
  });

  test('RFC 3261 §9.1 hung up while it rings: CANCEL, and the leg is there until the 487', () => {
    const { world, port, leg, heard, gone } = rig();
    leg.begin(...outgoing());
    const [invite] = port.requests;
    assert.ok(invite);
    leg.response(invite.key, response('180 Ringing'));
    leg.command({ kind: 'hang-up', why: because('answered-elsewhere') });
    assert.deepEqual(
      [port.take(), heard()],
      [
        ['INVITE → 5062', 'CANCEL of 1'],
        ['progress 180', 'ended'],
      ],
    );
    assert.deepEqual([gone, port.dialogs.size], [[], 1]);
    leg.response(invite.key, response('487 Request Terminated'));
    assert.deepEqual([gone, port.dialogs.size, world.wheel.size, heard()], [['b1'], 0, 0, []]);
  });

  test('nobody picks up: its own clock says so', () => {
    const { world, leg, heard } = rig();
    leg.begin(...outgoing());
    world.advance(59_999);
    assert.deepEqual(heard(), []);
    world.advance(1);
    assert.deepEqual(heard(), ['ended 408']);
  });

  test('a request that cannot be sent anywhere ends it, and so does one that fails', () => {
    const flow: Flow = { ...PHONE, transport: 'tcp', connection: -1 };
    const lost = rig({ flow });
    Object.assign(lost.port, { live: false, resolvable: false });
    lost.leg.begin(...outgoing());
    assert.deepEqual([lost.heard(), lost.gone], [['ended 503'], ['b1']]);
    const failing = rig();
    failing.leg.begin(...outgoing());
    failing.leg.failed(1 as ClientKey, 'timeout');
    assert.deepEqual([failing.heard(), failing.gone], [['ended 408'], ['b1']]);
  });

  test('no room for its dialog: it does not begin, and nothing was sent', () => {
    const { port, leg } = rig({ room: 0 });
    assert.equal(leg.begin(...outgoing()), false);
    assert.deepEqual(port.take(), []);
  });

  test('a mistake of ours on the way: the phone is hung up, whoever gave the input hears of it, nothing is left', () => {
    const { port, leg, heard, gone, world } = rig();
    leg.begin(...outgoing());
    const [invite] = port.requests;
    assert.ok(invite);
    port.ack = () => assert.fail('a bug');
    assert.throws(() => leg.response(invite.key, response('200 OK', 'INVITE', 'v=0')), /a bug/);
    assert.deepEqual([port.take(), heard()], [['INVITE → 5062', 'BYE → 5062'], ['ended']]);
    leg.failed(2 as ClientKey, 'timeout');
    assert.deepEqual([gone, port.dialogs.size, world.wheel.size], [['b1'], 0, 0]);
  });
});

suite('SIP leg, in the dialog', () => {
  test('RFC 3261 §12.2.2 a request with another From tag is told 481 and changes nothing', () => {
    const { port, leg, heard, gone } = talking();
    leg.request(exchange('BYE', ';tag=somebody', ';tag=ours'));
    leg.request(exchange('BYE', '', ';tag=ours'));
    assert.deepEqual(port.take(), Array(2).fill('SIP/2.0 481 Call/Transaction Does Not Exist'));
    assert.deepEqual([heard(), gone], [[], []]);
  });

  test('§14.2 an offer is answered; the 200 comes again until the ACK, from the dialog’s peer', () => {
    const { world, port, leg, heard } = talking();
    leg.request(exchange('INVITE', ';tag=theirs', ';tag=ours', { seq: 5, body: 'v=0' }));
    assert.deepEqual(heard(), ['offer']);
    leg.command({ kind: 'answer', body: { type: octets`application/sdp`, text: octets`v=0` } });
    world.advance(500);
    assert.deepEqual(port.take(), ['SIP/2.0 200 OK', 'SIP/2.0 200 OK']);
    leg.ack(exchange('ACK', ';tag=somebody', ';tag=ours', { seq: 5 }).request);
    assert.deepEqual(heard(), []);
    leg.ack(exchange('ACK', ';tag=theirs', ';tag=ours', { seq: 5 }).request);
    assert.deepEqual(heard(), ['acknowledged']);
    world.advance(60_000);
    assert.deepEqual(port.take(), []);
  });

  test('§18.2.2 the 200 of the process before, its connection gone: to the phone’s own host, not to whom its Contact names', () => {
    const before = talking();
    before.leg.request(exchange('INVITE', ';tag=theirs', ';tag=ours', { seq: 5, body: 'v=0' }));
    before.leg.command({ kind: 'answer', body: { type: octets`application/sdp`, text: octets`v=0` } });
    const flow: Flow = { ...PHONE, transport: 'tcp', connection: -1 };
    for (const [address, said] of [
      ['203.0.113.1', ['again SIP/2.0 200 OK']],
      [PHONE.remote.address, []],
    ] as const) {
      const { world, port, leg } = rig({ flow: { ...flow, remote: { address, port: 5062 } } });
      port.live = false;
      leg.begin(before.leg.call);
      world.advance(500);
      assert.deepEqual(port.take(), said, address);
    }
  });

  test('RFC 5626 §5.3 a phone that has registered anew is hung up where it is now', () => {
    const { port, leg, way } = talking();
    way.flow = { ...PHONE, remote: { address: '198.51.100.9', port: 7777 } };
    leg.command({ kind: 'hang-up', why: because('call-too-long') });
    assert.deepEqual(port.take(), ['BYE → 7777']);
    assert.match(port.requests.at(-1)?.text ?? '', /^Reason: Q\.850;cause=16;text="call-too-long"\r$/m);
  });

  test('§13.2.2.4 a 200 that comes again is acknowledged again, from where the INVITE went and from nowhere else', () => {
    const { port, leg } = talking();
    leg.stray(response('200 OK'), { ...PHONE, remote: { address: '203.0.113.66', port: 5062 } });
    assert.deepEqual(port.take(), []);
    leg.stray(response('200 OK'), PHONE);
    assert.deepEqual(port.take(), ['ACK → 5062']);
  });
});

suite('SIP leg, incoming', () => {
  const incoming = () => {
    const all = rig();
    const invite = exchange('INVITE', ';tag=theirs', '', { body: 'v=0' });
    const key = all.leg.take(invite);
    const contact = octets`<sip:x@192.0.2.1>`;
    all.leg.begin(...startIncoming({ request: invite.request, key, localTag: octets`ours`, contact }));
    return { ...all, invite };
  };

  test('RFC 3261 §9.2 a CANCEL ends it with 487', () => {
    const { port, heard, gone, invite } = incoming();
    port.watched.get(invite.key)?.cancelled(exchange('CANCEL', ';tag=theirs', '').request);
    assert.deepEqual([port.take(), heard(), gone], [['SIP/2.0 487 Request Terminated'], ['ended'], ['b1']]);
  });

  test('a refusal says why, in words an administrator can look up', () => {
    const { port, leg, gone } = incoming();
    leg.command({ kind: 'progress', status: 180 });
    leg.command({ kind: 'reject', status: 503, why: because('no-media') });
    leg.command({ kind: 'answer' });
    assert.deepEqual([port.take(), gone], [['SIP/2.0 180 Ringing', 'SIP/2.0 503 Service Unavailable'], ['b1']]);
  });

  test('§13.3.1.4 an answer that is never acknowledged: 200s for 64·T1, then BYE', () => {
    const { world, port, leg, heard } = incoming();
    leg.command({ kind: 'answer', body: { type: octets`application/sdp`, text: octets`v=0` } });
    world.advance(40_000);
    const said = port.take();
    assert.deepEqual([said.filter((line) => line === 'SIP/2.0 200 OK').length, said.at(-1)], [11, 'BYE → 5062']);
    assert.deepEqual(heard(), ['ended']);
  });

  test('only an INVITE is watched for a CANCEL', () => {
    const { port, leg } = talking();
    const info = exchange('INFO', ';tag=theirs', ';tag=ours');
    leg.request(info);
    assert.equal(port.watched.has(info.key), false);
    leg.command({ kind: 'respond', key: 1, status: 200 });
    assert.deepEqual(port.take(), ['SIP/2.0 200 OK']);
  });
});
