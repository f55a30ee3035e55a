import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall, fromBytes, later, octets } from '@strowger/proto';
import { parseMessage, type SipRequest } from '../message/index.ts';
import { composeRegisterResponse, readRegister } from './register.ts';
import {
  type Binding,
  type BindingFlow,
  DEFAULT_REGISTER_POLICY,
  decideRegister,
  type RegisterVerdict,
} from './registrar.ts';

const START = asWall(1_800_000_000_000);
const flow: BindingFlow = {
  node: 1,
  boot: 'b1',
  transport: 'udp',
  local: { address: '192.0.2.1', port: 5060 },
  remote: { address: '192.0.2.7', port: 5062 },
};

function register(cseq: number, ...more: string[]): SipRequest {
  const lines = [
    'REGISTER sip:example.test SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
    'From: <sip:1001@example.test>;tag=1',
    'To: <sip:1001@example.test>',
    'Call-ID: reg-1',
    `CSeq: ${cseq} REGISTER`,
    ...more,
    '',
    '',
  ];
  const outcome = parseMessage(fromBytes(Buffer.from(lines.join('\r\n'))));
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  return outcome.message;
}

/** An AOR that keeps what it is told. */
function aor(policy = DEFAULT_REGISTER_POLICY) {
  let bindings: readonly Binding[] = [];
  let now = START;
  return {
    get bindings() {
      return bindings;
    },
    wait(seconds: number) {
      now = later(now, seconds * 1000);
    },
    take(request: SipRequest): RegisterVerdict {
      const read = readRegister(request);
      assert.ok(read.ok, JSON.stringify(read));
      const verdict = decideRegister(bindings, read.value, policy, flow, now);
      if (verdict.status === 200) bindings = verdict.bindings;
      return verdict;
    },
    contacts(request: SipRequest): string[] {
      const verdict = this.take(request);
      const text = composeRegisterResponse(request, verdict, { now, toTag: octets`r1` });
      return text
        .split('\r\n')
        .filter((line) => line.startsWith('Contact: '))
        .map((line) => line.slice(9));
    },
  };
}

const PHONE = 'Contact: <sip:1001@192.0.2.7:5062>';

suite('REGISTER', () => {
  test('RFC 3261 §10.3 a contact is bound, and the 200 lists it with the seconds it has', () => {
    const a = aor();
    assert.deepEqual(a.contacts(register(1, `${PHONE};expires=300`)), ['<sip:1001@192.0.2.7:5062>;expires=300']);
    assert.equal(a.bindings[0]?.expiresAt, START + 300_000);
    a.wait(100);
    assert.deepEqual(a.contacts(register(2)), ['<sip:1001@192.0.2.7:5062>;expires=200']);
    a.wait(200);
    assert.deepEqual(a.contacts(register(3)), []);
  });

  test('§10.2.1.1 expires: the contact parameter, else the field, else the default, never above the maximum', () => {
    const a = aor();
    assert.deepEqual(a.contacts(register(1, PHONE)), ['<sip:1001@192.0.2.7:5062>;expires=3600']);
    assert.deepEqual(a.contacts(register(2, PHONE, 'Expires: 120')), ['<sip:1001@192.0.2.7:5062>;expires=120']);
    assert.deepEqual(a.contacts(register(3, `${PHONE};expires=90`, 'Expires: 120')), [
      '<sip:1001@192.0.2.7:5062>;expires=90',
    ]);
    assert.deepEqual(a.contacts(register(4, `${PHONE};expires=999999`)), ['<sip:1001@192.0.2.7:5062>;expires=7200']);
    assert.deepEqual(a.contacts(register(5, `${PHONE};expires=soon`)), ['<sip:1001@192.0.2.7:5062>;expires=3600']);
  });

  test('§10.3 step 7 one contact too brief: 423 with Min-Expires, and nothing changes', () => {
    const a = aor();
    a.take(register(1, PHONE));
    const before = a.bindings;
    const request = register(2, `${PHONE};expires=100, <sip:other@192.0.2.8>;expires=10`);
    const verdict = a.take(request);
    assert.deepEqual([verdict.status, verdict.code], [423, 'interval-too-brief']);
    assert.equal(a.bindings, before);
    assert.match(
      composeRegisterResponse(request, verdict, { now: START, toTag: octets`r` }),
      /\r\nMin-Expires: 60\r\n/,
    );
  });

  test('§10.3 step 7 same Call-ID and no higher CSeq: 500', () => {
    const a = aor();
    a.take(register(5, PHONE));
    for (const cseq of [5, 4]) {
      assert.deepEqual(a.take(register(cseq, `${PHONE};expires=100`)), { status: 500, code: 'register-out-of-order' });
    }
    assert.equal(a.take(register(4, 'Contact: *', 'Expires: 0')).status, 500);
    assert.equal(a.bindings.length, 1);
  });

  test('§10.3 step 6 Contact: * goes alone and with Expires: 0, and removes all', () => {
    const a = aor();
    a.take(register(1, PHONE, 'Contact: <sip:b@192.0.2.9>'));
    for (const bad of [['Contact: *'], ['Contact: *', 'Expires: 60'], ['Contact: *', PHONE, 'Expires: 0']]) {
      assert.equal(readRegister(register(2, ...bad)).ok, false, bad.join());
    }
    const verdict = a.take(register(3, 'Contact: *', 'Expires: 0'));
    assert.ok(verdict.status === 200 && verdict.code === 'unregistered');
    assert.deepEqual(
      verdict.changes.map(({ kind }) => kind),
      ['removed', 'removed'],
    );
    assert.deepEqual(a.bindings, []);
  });

  test('§19.1.4 a contact is found again by the equality of URIs, not by its text', () => {
    const a = aor();
    a.take(register(1, PHONE));
    assert.deepEqual(a.contacts(register(2, 'Contact: <SIP:%31001@192.0.2.7:5062>;expires=60')).length, 1);
    assert.deepEqual(a.contacts(register(3, 'Contact: <sip:1001@192.0.2.7>')).length, 2);
    assert.deepEqual(
      a.contacts(register(4, 'Contact: <sip:1001@192.0.2.7>;expires=0')),
      ['<sip:%31001@192.0.2.7:5062>;expires=60'].map((line) => line),
    );
  });

  test("RFC 5626 §6 the key is instance and reg-id: a new address takes the old one's place", () => {
    const a = aor();
    const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"';
    const supported = 'Supported: path, outbound';
    a.take(register(1, `Contact: <sip:1001@192.0.2.7:40001;ob>;${instance};reg-id=1`, supported));
    const second = register(2, `Contact: <sip:1001@192.0.2.7:40002;ob>;${instance};reg-id=1`, supported);
    const verdict = a.take(second);
    assert.ok(verdict.status === 200 && verdict.outbound);
    assert.deepEqual(
      verdict.changes.map(({ kind }) => kind),
      ['refreshed'],
    );
    assert.deepEqual(
      a.bindings.map(({ uri, regId }) => [uri, regId]),
      [['sip:1001@192.0.2.7:40002;ob', 1]],
    );
    a.take(register(3, `Contact: <sip:1001@192.0.2.7:40003;ob>;${instance};reg-id=2`, supported));
    assert.equal(a.bindings.length, 2);
    assert.match(
      composeRegisterResponse(second, verdict, { now: START, toTag: octets`r` }),
      /\+sip\.instance="<urn:uuid:[^"]*>";reg-id=1;expires=3600\r\n(?:.*\r\n)*Require: outbound\r\n/,
    );
  });

  test('RFC 5626 §6 a first hop that keeps no flows: 439', () => {
    const request = register(
      1,
      'Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK0',
      'Contact: <sip:1001@192.0.2.7;ob>;+sip.instance="<urn:uuid:1>";reg-id=1',
      'Supported: outbound, path',
      'Path: <sip:edge.test;lr>',
    );
    assert.equal(aor().take(request).status, 439);
  });

  test('RFC 3327 §5.3 the path is kept with the binding and shown to the phone', () => {
    const a = aor();
    const request = register(1, PHONE, 'Path: <sip:p2.test;lr>, <sip:p1.test;lr>');
    const verdict = a.take(request);
    assert.deepEqual(a.bindings[0]?.path, ['<sip:p2.test;lr>', '<sip:p1.test;lr>']);
    assert.match(
      composeRegisterResponse(request, verdict, { now: START, toTag: octets`r` }),
      /\r\nPath: <sip:p2.test;lr>\r\nPath: <sip:p1.test;lr>\r\n/,
    );
  });

  test('more bindings than the policy has room for: 403 with its own code; a refresh is always welcome', () => {
    const a = aor({ ...DEFAULT_REGISTER_POLICY, maxBindings: 2 });
    a.take(register(1, PHONE, 'Contact: <sip:b@192.0.2.9>'));
    assert.deepEqual(a.take(register(2, 'Contact: <sip:c@192.0.2.9>')), {
      status: 403,
      code: 'too-many-bindings',
      max: 2,
    });
    assert.equal(a.take(register(3, PHONE)).status, 200);
    assert.equal(a.bindings.length, 2);
  });

  test('§20.10 q and unknown parameters come back as they were given', () => {
    const a = aor();
    assert.deepEqual(a.contacts(register(1, `${PHONE};q=0.5;audio;methods="INVITE,BYE";x=y;expires=60`)), [
      '<sip:1001@192.0.2.7:5062>;q=0.5;audio;methods="INVITE,BYE";x=y;expires=60',
    ]);
    assert.equal(a.bindings[0]?.q, 0.5);
  });

  test('a binding is plain data and holds no piece of the datagram', () => {
    const a = aor();
    a.take(register(1, PHONE, 'User-Agent: Phone/1.0'));
    assert.deepEqual(JSON.parse(JSON.stringify(a.bindings)), a.bindings);
    assert.equal(a.bindings[0]?.userAgent, 'Phone/1.0');
  });
});
