import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assumeOctets, octets } from '@strowger/proto';
import { parseMessage, type SipMessage, type SipRequest, type SipResponse } from '@strowger/sip';
import type { CallEvent } from '@strowger/sip/ua';
import type { Exchange } from '../../kernel/exchange.ts';
import { ALL_RIGHTS, type Principal } from '../../kernel/principal.ts';
import { because } from '../../kernel/reason.ts';
import { PHONE } from '../../kernel/rig.ts';
import type { DirectoryService } from '../directory/api.ts';
import type { Binding, LocationService } from '../location/api.ts';
import { calleeOf, callerOf } from './identity.ts';
import type { Body, LegCommand } from './leg.ts';
import { inputOf } from './leg-commands.ts';
import { eventOf } from './leg-events.ts';
import { mediaAddress } from './media-address.ts';
import { type LegPlace, wayTo } from './place.ts';

const SDP: Body = { type: octets`application/sdp`, text: octets`v=0` };
const context = { sip: { allow: () => octets`INVITE, BYE` } } as unknown as Parameters<typeof inputOf>[1];

function message(...lines: readonly string[]): SipMessage {
  const outcome = parseMessage(assumeOctets(`${lines.join('\r\n')}\r\n\r\n`));
  assert.ok(outcome.kind === 'message');
  return outcome.message;
}

const requestFrom = (from: string) =>
  message(
    'INVITE sip:1002@example.test SIP/2.0',
    'Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK1',
    `From: ${from};tag=a`,
    'To: <sip:1002@example.test>',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    'Info-Package: dtmf',
  ) as SipRequest;

suite('a leg’s commands in the words of the INVITE usage', () => {
  const cases: readonly (readonly [LegCommand, object])[] = [
    [
      { kind: 'progress', status: 183, body: SDP },
      { kind: 'progress', status: 183, body: SDP },
    ],
    [
      { kind: 'answer', body: SDP },
      { kind: 'answer', fields: [['Allow', 'INVITE, BYE']], body: SDP },
    ],
    [
      { kind: 'reject', status: 486, why: because('callee-busy') },
      { kind: 'reject', status: 486, fields: [['Warning', '399 strowger "callee-busy"']] },
    ],
    [
      { kind: 'reject', status: 503, why: because('no-media') },
      {
        kind: 'reject',
        status: 503,
        fields: [
          ['Warning', '399 strowger "no-media"'],
          ['Retry-After', '5'],
        ],
      },
    ],
    [
      { kind: 'offer', body: SDP },
      { kind: 'offer', autoAck: false, retryOnGlare: false, body: SDP },
    ],
    [{ kind: 'offer' }, { kind: 'offer', autoAck: false, retryOnGlare: false }],
    [{ kind: 'withdraw' }, { kind: 'withdraw' }],
    [
      { kind: 'acknowledge', body: SDP },
      { kind: 'acknowledge', body: SDP },
    ],
    [
      { kind: 'send', method: octets`INFO`, context: 7, info: octets`dtmf`, body: SDP },
      { kind: 'send', method: 'INFO', context: 7, fields: [['Info-Package', 'dtmf']], body: SDP },
    ],
    [
      { kind: 'respond', key: 7, status: 405 },
      { kind: 'respond', key: 7, status: 405, fields: [['Allow', 'INVITE, BYE']] },
    ],
    [
      { kind: 'respond', key: 7, status: 480 },
      { kind: 'respond', key: 7, status: 480, fields: [] },
    ],
    [
      { kind: 'hang-up', why: because('answered-elsewhere') },
      { kind: 'hang-up', fields: [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']] },
    ],
    [
      { kind: 'hang-up', why: because('call-too-long'), status: 480 },
      { kind: 'hang-up', fields: [['Reason', 'Q.850;cause=16;text="call-too-long"']], status: 480 },
    ],
  ];
  for (const [command, expected] of cases) {
    const title = JSON.stringify(expected).slice(0, 60);
    test(title, () => assert.deepEqual(JSON.parse(JSON.stringify(inputOf(command, context))), expected));
  }
});

suite('what the INVITE usage says, in a leg’s words', () => {
  const response = message(
    'SIP/2.0 503 Service Unavailable',
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
    'From: <sip:a@b>;tag=a',
    'To: <sip:c@d>;tag=b',
    'Call-ID: c',
    'CSeq: 1 INVITE',
    'Retry-After: 20',
  ) as SipResponse;
  const request = requestFrom('<sip:1001@example.test>');

  test('bodies and names go on, messages do not', () => {
    const said: readonly CallEvent[] = [
      { kind: 'progress', status: 180, response },
      { kind: 'answered', body: SDP, response, acknowledged: true },
      { kind: 'acknowledged', key: 1, body: SDP, first: true },
      { kind: 'offer', body: SDP, request },
      { kind: 'offer-withdrawn' },
      { kind: 'offer-answered', response, acknowledged: false },
      { kind: 'offer-failed', status: 488 },
      { kind: 'request', key: 3, method: octets`INFO`, request },
      { kind: 'reply', method: octets`INFO`, context: 3, status: 200 },
      { kind: 'reply', method: octets`INFO`, status: 200 },
      { kind: 'challenged', response },
      { kind: 'ended', by: 'remote', cause: 'rejected', status: 503, response },
    ];
    const plain = said.map((event) => JSON.parse(JSON.stringify(eventOf(event) ?? null)));
    assert.deepEqual(plain, [
      { kind: 'progress', status: 180 },
      { kind: 'answered', body: SDP },
      { kind: 'acknowledged', first: true, body: SDP },
      { kind: 'offer', body: SDP },
      { kind: 'offer-withdrawn' },
      { kind: 'offer-answered' },
      { kind: 'offer-failed', status: 488 },
      { kind: 'request', key: 3, method: 'INFO', info: 'dtmf' },
      { kind: 'reply', context: 3, status: 200 },
      null,
      null,
      { kind: 'ended', by: 'remote', cause: 'rejected', status: 503, retryAfter: 20 },
    ]);
  });
});

suite('who calls', () => {
  const people = {
    byExtension: (_: string, extension: string) => ({ extension, person: 'p', name: 'Ada "Ä"\\', disabled: false }),
    domainOf: () => octets`example.test`,
  } as unknown as DirectoryService;
  const exchange = (from: string, principal: Principal): Exchange => ({
    key: 1 as never,
    request: requestFrom(from),
    flow: PHONE,
    class: 'new',
    principal,
    trail: [],
  });
  const network: Principal = { kind: 'network', tenant: 't', network: 'n', proof: 'address', rights: ALL_RIGHTS };

  test('RFC 3261 §8.1.1.3 a device is who the directory says, whatever its From', () => {
    const device: Principal = {
      kind: 'device',
      tenant: 't',
      person: 'p',
      device: 'd',
      extension: '1001',
      proof: 'digest',
      rights: ALL_RIGHTS,
    };
    const { party, nameAddr } = callerOf(exchange('"The Boss" <sip:9999@example.test>', device), people);
    assert.deepEqual(party, { kind: 'device', number: '1001', name: 'Ada "Ä"\\', device: 'd' });
    assert.equal(nameAddr, '"Ada \\"\u00c3\u0084\\"\\\\" <sip:1001@example.test>', 'UTF-8 in octets, quotes escaped');
  });

  test('a trusted network is taken at its word, and its word can inject nothing', () => {
    const named = callerOf(exchange('"Bob \\"B\\"" <sip:+4930@gw.test>', network), people);
    assert.deepEqual(named.party, { kind: 'network', number: '+4930', name: 'Bob "B"' });
    assert.equal(named.nameAddr, '"Bob \\"B\\"" <sip:+4930@gw.test>');
    const tricky = callerOf(exchange('<sip:a%0d%0aX-Evil%3A%20b%3Ed@gw.test>', network), people);
    assert.equal(tricky.party.number, 'a\r\nX-Evil: b>d');
    assert.ok(!/[\r\n]/.test(tricky.nameAddr), tricky.nameAddr);
    assert.match(tricky.nameAddr, /^<sip:[^>]*>$/);
    const nobody = callerOf(exchange('<tel:+4930>', network), people);
    assert.equal(nobody.nameAddr, '<sip:+4930@198.51.100.7>');
  });

  test('a callee is who the directory says', () => {
    const { party, nameAddr } = calleeOf({ tenant: 't', extension: '*21#', name: 'Bob' }, people);
    assert.deepEqual(party, { kind: 'device', number: '*21#', name: 'Bob' });
    assert.match(nameAddr, /^"?Bob"? <sip:\*21%23@example\.test>$/);
  });
});

suite('where a leg is', () => {
  const tcp = { ...PHONE, transport: 'tcp' as const, connection: 3 };
  const newest = { ...tcp, connection: 9 };
  const places = {
    boot: 'now',
    find: ({ tenant }, key) => (tenant === 't' && key === 'k' ? ({ key } as Binding) : undefined),
    flowOf: () => newest,
  } as Partial<LocationService> as LocationService;
  const place: LegPlace = { tenant: 't', flow: tcp, boot: 'now' };

  test('RFC 5626 §5.3 the newest flow of its binding, else the flow it used, which lives as long as its boot', () => {
    const device = { ...place, extension: '1001', binding: 'k' };
    assert.deepEqual(wayTo(device, places), { flow: newest, device: true });
    assert.deepEqual(wayTo({ ...device, tenant: 'u' }, places), { flow: tcp, device: true });
    assert.deepEqual(wayTo(place, places), { flow: tcp, device: false });
    assert.deepEqual(wayTo({ ...place, boot: 'before' }, places), { flow: { ...tcp, connection: -1 }, device: false });
    assert.deepEqual(wayTo({ ...place, flow: PHONE, boot: 'before' }, places), { flow: PHONE, device: false });
  });

  test('media is received on a configured address of the family it is reached by, else where its SIP came to', () => {
    const config = (...addresses: string[]) =>
      ({ media: { addresses } }) as unknown as Parameters<typeof mediaAddress>[0];
    const v6 = { ...PHONE, local: { address: '2001:db8::1', port: 5060 } };
    assert.equal(mediaAddress(config(), PHONE), '192.0.2.1');
    assert.equal(mediaAddress(config('203.0.113.1', '2001:db8::9'), PHONE), '203.0.113.1');
    assert.equal(mediaAddress(config('203.0.113.1', '2001:db8::9'), v6), '2001:db8::9');
    assert.equal(mediaAddress(config('203.0.113.1'), v6), '2001:db8::1');
  });
});
