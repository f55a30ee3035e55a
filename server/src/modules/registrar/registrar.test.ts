import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { userText } from '@strowger/sip';
import { ALL_RIGHTS, type Principal } from '../../kernel/principal.ts';
import { asModule, type Rig, startRig } from '../../kernel/rig.ts';
import { type DirectoryService, directory } from '../directory/api.ts';
import { locationModule } from '../location/module.ts';
import { registrarModule } from './module.ts';

const NETWORK: Principal = { kind: 'network', tenant: 't', network: 'n', proof: 'address', rights: ALL_RIGHTS };
const DEVICE: Principal = {
  kind: 'device',
  tenant: 't',
  person: 'p',
  device: 'd',
  extension: '1001',
  proof: 'digest',
  rights: ALL_RIGHTS,
};

const KNOWN = new Set(['1001', '1002', '1003']);
const PEOPLE: Partial<DirectoryService> = {
  extensionOf: (_, uri) => (KNOWN.has(userText(uri)) ? userText(uri) : undefined),
};

async function open(o: { who?: Principal; bindings?: number } = {}): Promise<Rig> {
  return startRig({
    config: `domain: example.test\nlimits: { bindings: ${o.bindings ?? 100} }`,
    modules: [
      asModule(
        (context) => {
          context.provide(directory, PEOPLE as DirectoryService);
          context.authenticate({ name: 'as told', run: () => o.who ?? DEVICE });
        },
        { name: 'directory', offers: [directory] },
      ),
      locationModule,
      registrarModule,
    ],
  });
}

let serial = 0;
function register(more: readonly string[], to = 'sip:1001@example.test', uri = 'sip:example.test'): readonly string[] {
  serial += 1;
  return [
    `REGISTER ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKr${serial}`,
    'Max-Forwards: 70',
    `From: <${to}>;tag=a`,
    `To: <${to}>`,
    `Call-ID: r${serial}`,
    `CSeq: ${serial} REGISTER`,
    ...more,
  ];
}
const CONTACT = 'Contact: <sip:1001@198.51.100.7:5062>';

/** The status line, and what stands in these fields. */
function ask(rig: Rig, lines: readonly string[], ...names: readonly string[]): string {
  const [answer] = rig.ask(lines);
  const text = answer?.text ?? '';
  const fields = names.map((name) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1] ?? `no ${name}`);
  return [text.slice(8, 11), ...fields].join(' | ');
}

suite('registrar (RFC 3261 §10.3)', () => {
  test('a binding is made, asked for, and removed', async () => {
    const rig = await open();
    assert.equal(
      ask(rig, register([CONTACT, 'Expires: 600']), 'Contact'),
      '200 | <sip:1001@198.51.100.7:5062>;expires=600',
    );
    rig.advance(100_000);
    assert.equal(ask(rig, register([]), 'Contact'), '200 | <sip:1001@198.51.100.7:5062>;expires=500');
    assert.equal(ask(rig, register(['Contact: *', 'Expires: 0']), 'Contact'), '200 | no Contact');
    const {
      registrar_registered: made,
      registrar_queried: asked,
      registrar_unregistered: gone,
    } = rig.kernel.counters.report();
    assert.deepEqual([made, asked, gone], [1, 1, 1]);
  });

  test('steps 1 to 5: whose bindings they are, and who may touch them', async () => {
    const rig = await open();
    assert.equal(ask(rig, register([CONTACT], 'sip:1002@example.test')), '403');
    assert.equal(ask(rig, register([CONTACT], 'sip:4711@example.test')), '404');
    assert.equal(ask(rig, register([CONTACT], 'sip:example.test')), '404');
    assert.equal(ask(rig, register([CONTACT], 'sip:1001@example.test', 'tel:+3281')), '416');
    assert.equal(ask(await open({ who: { kind: 'anonymous' } }), register([CONTACT])), '403');
    assert.equal(ask(await open({ who: NETWORK }), register([CONTACT], 'sip:1002@example.test')), '200');
  });

  test('step 6 and 7: too brief is 423 with Min-Expires; malformed 400', async () => {
    const rig = await open();
    assert.equal(ask(rig, register([CONTACT, 'Expires: 5']), 'Min-Expires'), '423 | 60');
    assert.equal(ask(rig, register(['Contact: *', 'Expires: 60'])), '400');
  });

  test('§8.2.2.3 what a REGISTER demands: path and outbound are known, the rest is 420', async () => {
    const rig = await open();
    assert.equal(ask(rig, register([CONTACT, 'Require: path, gruu']), 'Unsupported'), '420 | gruu');
    assert.equal(ask(rig, register([CONTACT, 'Require: path'])), '200');
  });

  test('no more room: new bindings are 503, those there are can be refreshed and removed, and the count is exact', async () => {
    const rig = await open({ who: NETWORK, bindings: 2 });
    const of = (n: number, contact = 1) =>
      register([`Contact: <sip:u${contact}@198.51.100.7:5062>`], `sip:100${n}@example.test`);
    assert.deepEqual([ask(rig, of(1)), ask(rig, of(2)), ask(rig, of(3))], ['200', '200', '503']);
    assert.equal(ask(rig, of(1, 2)), '503', 'a second binding of one who has one is one more');
    assert.equal(ask(rig, of(1)), '200');
    const away = register(['Contact: *', 'Expires: 0'], 'sip:1001@example.test');
    assert.equal(ask(rig, away), '200');
    assert.equal(ask(rig, of(3)), '200');
    assert.equal(rig.kernel.bounds.used('location.bindings'), 2);
  });

  test('while the journal cannot be written no binding is promised', async () => {
    const rig = await open();
    rig.disk.failWith = new Error('ENOSPC');
    assert.equal(ask(rig, register([CONTACT])), '', 'withheld: it was taken before anybody knew');
    assert.equal(ask(rig, register([CONTACT]), 'Retry-After'), '503 | 30');
    assert.equal(ask(rig, register([])).slice(0, 3), '');
    rig.disk.failWith = undefined;
    rig.advance(1000);
    rig.take();
    ask(rig, register([]));
    assert.equal(ask(rig, register([CONTACT])), '200');
  });
});
