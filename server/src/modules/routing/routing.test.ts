import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { octets } from '@strowger/proto';
import { userText } from '@strowger/sip';
import type { Plan } from '../../kernel/exchange.ts';
import { ALL_RIGHTS, type Principal } from '../../kernel/principal.ts';
import { because } from '../../kernel/reason.ts';
import { asModule, PHONE, startRig } from '../../kernel/rig.ts';
import { type DirectoryService, directory, type Extension } from '../directory/api.ts';
import { type Binding, type LocationService, location } from '../location/api.ts';
import { routingModule } from './module.ts';

const binding = (key: string, q: number): Binding =>
  ({ key: octets`${key as never}`, uri: octets`sip:${key as never}@198.51.100.8`, path: [], q }) as unknown as Binding;

const PEOPLE: Readonly<Record<string, Extension>> = {
  '1001': { extension: '1001', person: 'p1', name: 'Alice', disabled: false },
  '1002': { extension: '1002', person: 'p2', name: 'Bob', disabled: false },
  '1003': { extension: '1003', person: 'p3', name: 'Carol', disabled: true },
};

/** What became of a request to this URI: a status, or the plan. */
async function route(uri: string, o: { who?: Principal; fields?: readonly string[] } = {}): Promise<number | Plan> {
  let plan: Plan | undefined;
  const who: Principal = o.who ?? { kind: 'network', tenant: 't', network: 'n', proof: 'address', rights: ALL_RIGHTS };
  const rig = await startRig({
    modules: [
      asModule(
        (context) => {
          context.authenticate({ name: 'all', run: () => who });
          context.provide(directory, {
            tenantOf: (host) => ({ 'example.test': 't', '[2001:db8::1]': 't', 'other.test': 'u' })[host as string],
            find: (tenant, asked) => (tenant === 't' ? PEOPLE[userText(asked)] : undefined),
          } as DirectoryService);
          context.provide(location, {
            bindings: ({ extension }) => (extension === '1002' ? [] : [binding('low', 0.5), binding('high', 1)]),
            flowOf: () => PHONE,
          } as Partial<LocationService> as LocationService);
          context.handle('OPTIONS', (exchange) => {
            plan = exchange.plan;
            return { status: 200, reason: because('x') };
          });
        },
        { name: 'around', offers: [directory, location] },
      ),
      routingModule,
    ],
  });
  const [answer] = rig.ask([
    `OPTIONS ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKo1',
    'Max-Forwards: 70',
    'From: <sip:1001@example.test>;tag=a',
    'To: <sip:x@example.test>',
    'Call-ID: o1',
    'CSeq: 1 OPTIONS',
    ...(o.fields ?? []),
  ]);
  return plan ?? Number(answer?.text.slice(8, 11));
}

suite('routing', () => {
  test('RFC 3261 §16.6 an extension leads to its devices, the highest q first, through legs and a bridge', async () => {
    const plan = await route('sip:1001@example.test');
    assert.ok(typeof plan === 'object' && plan.kind === 'targets');
    assert.deepEqual([plan.mode, plan.callee], ['b2bua', { tenant: 't', extension: '1001', name: 'Alice' }]);
    assert.deepEqual(
      plan.targets.map(({ uri, aor, bindingKey, q }) => [uri, aor, bindingKey, q]),
      [
        ['sip:high@198.51.100.8', '1001', 'high', 1],
        ['sip:low@198.51.100.8', '1001', 'low', 0.5],
      ],
    );
    assert.equal(plan.reason.code, 'extension-registered');
  });

  test('a number without a domain is one of the asker’s', async () => {
    const plan = await route('tel:1001');
    assert.ok(typeof plan === 'object' && plan.kind === 'targets');
  });

  test('the server itself', async () => {
    const plan = await route('sip:example.test');
    assert.ok(typeof plan === 'object' && plan.kind === 'local');
  });

  for (const [uri, status, why] of [
    ['sip:4711@example.test', 404, 'nobody has that extension'],
    ['sip:1001@elsewhere.test', 404, 'a domain we do not serve'],
    ['sip:1001@other.test', 404, 'a domain of another tenant, where the same extension may be somebody else'],
    ['sip:1002@example.test', 480, 'nothing is registered'],
    ['sip:1003@example.test', 480, 'switched off'],
    ['urn:service:sos', 416, 'a scheme that leads nowhere yet'],
  ] as const) {
    test(`${status}: ${why}`, async () => assert.equal(await route(uri), status));
  }

  test('RFC 3261 §8.2.2.3 what is demanded and not understood: 420', async () => {
    assert.equal(await route('sip:1001@example.test', { fields: ['Require: 100rel'] }), 420);
  });
});
