import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { asWall, type Flow, fromBytes, type Wall } from '@strowger/proto';
import { parseMessage } from '@strowger/sip';
import { DEFAULT_REGISTER_POLICY, decideRegister, readRegister } from '@strowger/sip/ua';
import { Bounds } from '../../kernel/bounds.ts';
import type { ModuleContext } from '../../kernel/context.ts';
import { SILENT } from '../../kernel/log.ts';
import type { LocationService } from './api.ts';
import { locationModule } from './module.ts';

/**
 * Measured: see the figure the test prints. What this must catch is a slice that keeps its datagram (600 bytes and more
 * each), not a field more in a binding.
 */
const CEILING = 1_600;
const NOW = asWall(1_700_000_000_000);

suite('location, what bindings weigh', () => {
  test('200,000 bindings: bytes per binding', { timeout: 60_000 }, (t) => {
    const { grown, service } = fill(200_000, 300);
    assert.equal(service.size, 200_000);
    t.diagnostic(`${Math.round(grown)} bytes per binding, 200,000 of them from REGISTERs of 0.9 kB`);
    assert.ok(grown < CEILING, `${Math.round(grown)} bytes per binding`);
    assert.equal(service.bindings({ tenant: 'main', extension: '100007' })[0]?.uri, 'sip:100007@10.1.1.7:5067;ob');
  });

  test('no binding keeps its datagram: REGISTERs ten times as long make bindings no heavier', () => {
    const short = fill(10_000, 100);
    const long = fill(10_000, 8_000);
    const more = long.grown - short.grown;
    assert.equal(long.service.size, short.service.size);
    // One kept datagram would be 8,000 more.
    assert.ok(Math.abs(more) < 400, `${Math.round(more)} bytes more per binding`);
  });
});

/** Registers `n` phones, each of its own AOR, from datagrams with so many bytes that nobody is to keep. */
function fill(n: number, ballast: number): { readonly grown: number; readonly service: LocationService } {
  const service = openLocation();
  register(service, 0, ballast);
  const before = heap();
  for (let i = 1; i < n; i += 1) register(service, i, ballast);
  return { grown: (heap() - before) / n, service };
}

function register(service: LocationService, i: number, ballast: number): void {
  const extension = String(100_000 + i);
  const outcome = parseMessage(fromBytes(Buffer.from(registerText(i, ballast), 'latin1')));
  assert.ok(outcome.kind === 'message' && outcome.message.kind === 'request');
  const read = readRegister(outcome.message);
  assert.ok(read.ok);
  // As a socket gives it: one local address for all, a remote of its own each time.
  const flow: Flow = {
    transport: 'udp',
    local: LOCAL,
    remote: { address: `10.1.1.${i % 256}`, port: 5060 + (i % 50_000) },
  };
  service.update({ tenant: 'main', extension }, (all) => {
    const received = { ...flow, node: 0, boot: service.boot };
    const verdict = decideRegister(all, read.value, DEFAULT_REGISTER_POLICY, received, NOW);
    assert.equal(verdict.status, 200);
    return verdict.status === 200 ? { keep: verdict.bindings } : {};
  });
}

const LOCAL = { address: '192.0.2.1', port: 5060 };

const registerText = (i: number, ballast: number): string => `REGISTER sip:example.test SIP/2.0\r
Via: SIP/2.0/UDP 10.1.1.${i % 256}:${5060 + (i % 50_000)};rport;branch=z9hG4bKPj77aa${i}\r
Max-Forwards: 70\r
From: <sip:${100_000 + i}@example.test>;tag=31cbe4c7${i}\r
To: <sip:${100_000 + i}@example.test>\r
Call-ID: 0b47cf27-7a6e-44a6-9d31-${String(i).padStart(12, '0')}\r
CSeq: 2049 REGISTER\r
User-Agent: Desk Phone 4.2.1\r
Supported: outbound, path\r
Contact: <sip:${100_000 + i}@10.1.1.${i % 256}:${5060 + (i % 50_000)};ob>;+sip.instance="<urn:uuid:00000000-0000-0000-0000-${String(i).padStart(12, '0')}>";reg-id=1\r
Expires: 3600\r
X-Ballast: ${'x'.repeat(ballast)}\r
Content-Length: 0\r
\r
`;

/** The module as the kernel sets it up, with a journal that takes everything and keeps nothing. */
function openLocation(): LocationService {
  let service: LocationService | undefined;
  const context: Partial<ModuleContext> = {
    config: { limits: { bindings: 500_000 } } as ModuleContext['config'],
    clock: { now: () => 0 as never, wall: (): Wall => NOW },
    random: { fill: (into) => into },
    log: SILENT,
    bounds: new Bounds(),
    space: () => ({ load: () => new Map(), put() {}, delete() {} }),
    after: () => ({ stop() {} }),
    onReady() {},
    provide: (_, offered) => {
      service = offered as LocationService;
    },
  };
  void locationModule.setup(context as ModuleContext);
  assert.ok(service);
  return service;
}

function heap(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
