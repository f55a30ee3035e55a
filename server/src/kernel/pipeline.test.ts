import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { octets } from '@strowger/proto';
import type { ModuleContext } from './context.ts';
import { refuse } from './exchange.ts';
import { ALL_RIGHTS, type Principal } from './principal.ts';
import { because } from './reason.ts';
import { asModule, PHONE, type Rig, startRig } from './rig.ts';

const ALICE: Principal = { kind: 'network', tenant: 't', network: 'n', proof: 'address', rights: ALL_RIGHTS };

let serial = 0;
function request(method: string, more: readonly string[] = [], uri = 'sip:1002@example.test'): readonly string[] {
  serial += 1;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKx${serial}`,
    'Max-Forwards: 70',
    'From: <sip:1001@example.test>;tag=a1',
    ...(more.some((line) => line.startsWith('To:')) ? [] : ['To: <sip:1002@example.test>']),
    `Call-ID: c${serial}@x`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:1001@198.51.100.7:5062>',
    ...more,
  ];
}

const withModule = (setup: (context: ModuleContext) => void): Promise<Rig> => startRig({ modules: [asModule(setup)] });

const trusting = (context: ModuleContext) => context.authenticate({ name: 'all', run: () => ALICE });

suite('pipeline', () => {
  test('screen, authenticate, route and handle come in this order, and each sees what the one before it said', async () => {
    const seen: string[] = [];
    const rig = await withModule((context) => {
      context.route({
        name: 'r',
        run({ principal }) {
          seen.push(`route ${principal.kind}`);
          return { kind: 'local', reason: because('here') };
        },
      });
      context.screen({ name: 's', run: ({ class: kind }) => void seen.push(`screen ${kind}`) });
      context.authenticate({
        name: 'a',
        run() {
          seen.push('authenticate');
          return ALICE;
        },
      });
      context.handle('OPTIONS', ({ plan, trail }) => {
        seen.push(`handle ${plan?.kind} ${trail.map(({ code }) => code)}`);
        return { status: 200, reason: because('done') };
      });
    });
    rig.deliver(request('OPTIONS'));
    assert.deepEqual(rig.takeLines(), ['SIP/2.0 200 OK']);
    assert.deepEqual(seen, ['screen background', 'authenticate', 'route network', 'handle local here']);
  });

  test('a verdict ends it: what stands behind is not asked', async () => {
    const rig = await withModule((context) => {
      context.screen({ name: 's', run: () => refuse(503, because('full'), [['Retry-After', octets`2`]]) });
      context.authenticate({ name: 'a', run: () => assert.fail('asked') });
    });
    const [answer] = rig.ask(request('OPTIONS'));
    assert.match(answer?.text ?? '', /^SIP\/2.0 503 .*\r\n(?:.*\r\n)*Retry-After: 2\r\n/);
  });

  test('who may not do it is told 403', async () => {
    const rig = await withModule((context) => {
      context.authenticate({ name: 'a', run: () => ({ ...ALICE, rights: new Set(['call' as const]) }) });
      context.handle('REGISTER', () => assert.fail('handled'));
    });
    rig.deliver(request('REGISTER'));
    assert.deepEqual(rig.takeLines(), ['SIP/2.0 403 Forbidden']);
  });

  test('RFC 3261 §7.3.1 a package is found however its name is spelled', async () => {
    const rig = await withModule((context) => {
      trusting(context);
      context.handle('PUBLISH', () => ({ status: 200, reason: because('found') }), 'presence');
    });
    for (const name of ['presence', 'Presence', 'PRESENCE;id=1']) rig.deliver(request('PUBLISH', [`Event: ${name}`]));
    rig.deliver(request('PUBLISH', ['Event: dialog']));
    assert.deepEqual(
      rig.takeLines().map((line) => line.slice(8, 11)),
      ['200', '200', '200', '405'],
    );
  });

  test('RFC 3261 §8.2.1 a method that nobody handles: 405 with those that somebody does', async () => {
    const rig = await withModule((context) => {
      trusting(context);
      context.handle('OPTIONS', () => ({ status: 200, reason: because('x') }));
    });
    const [answer] = rig.ask(request('PUBLISH'));
    assert.match(answer?.text ?? '', /^SIP\/2.0 405 /);
    assert.match(answer?.text ?? '', /\r\nAllow: ACK, BYE, CANCEL, OPTIONS\r\n/);
  });

  test('a handler that throws, at once or later, is a 500 to its caller; the next request finds all well', async () => {
    const rig = await withModule((context) => {
      trusting(context);
      context.handle('INVITE', () => {
        throw new Error('at once');
      });
      context.handle('MESSAGE', () => Promise.reject(new Error('later')));
      context.handle('OPTIONS', () => ({ status: 200, reason: because('x') }));
    });
    const lines: string[] = [];
    for (const method of ['INVITE', 'MESSAGE', 'OPTIONS']) {
      rig.deliver(request(method));
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      lines.push(...rig.takeLines());
    }
    assert.deepEqual(lines, [
      'SIP/2.0 500 Server Internal Error',
      'SIP/2.0 500 Server Internal Error',
      'SIP/2.0 200 OK',
    ]);
    assert.deepEqual(rig.events(), ['handler-threw', 'handler-threw']);
    assert.equal(rig.kernel.counters.of('kernel_handler_errors').value, 2);
  });

  test('what is dropped is not answered, ever, and nothing is kept of it', async () => {
    const rig = await withModule((context) => {
      context.screen({ name: 's', run: () => ({ kind: 'drop', reason: because('tarpit') }) });
    });
    rig.deliver(request('INVITE'));
    rig.advance(60_000);
    assert.deepEqual(rig.takeLines(), []);
    const { serverTransactions, timers } = rig.kernel.report();
    assert.deepEqual([serverTransactions, timers], [0, 0]);
  });

  test('RFC 3261 §12.2.2 a To tag that is of no dialog: 481, and limits see it for what it is', async () => {
    const classes: string[] = [];
    const rig = await withModule((context) => {
      context.screen({ name: 's', run: ({ class: kind }) => void classes.push(kind) });
      context.authenticate({ name: 'a', run: () => assert.fail('asked') });
    });
    rig.deliver(request('BYE', ['To: <sip:1002@example.test>;tag=nobody']));
    assert.deepEqual(rig.takeLines(), ['SIP/2.0 481 Call/Transaction Does Not Exist']);
    assert.deepEqual(classes, ['new']);
  });

  test('§12.2.2 a request of a dialog goes to its owner past every chain but screen, as who made the dialog', async () => {
    const seen: string[] = [];
    const rig = await withModule((context) => {
      context.authenticate({ name: 'a', run: () => assert.fail('asked') });
      context.sip.dialogs.add(octets`d1`, octets`ours`, {
        principal: ALICE,
        request({ principal, class: kind }) {
          seen.push(`${principal.kind} ${kind}`);
          return { status: 200, reason: because('bye') };
        },
        ack: () => void seen.push('ack'),
        stray: () => void seen.push('stray'),
      });
    });
    const inDialog = (method: string) =>
      request(method, ['To: <sip:1002@example.test>;tag=ours']).map((line) =>
        line.startsWith('Call-ID:') ? 'Call-ID: d1' : line,
      );
    rig.deliver(inDialog('BYE'));
    rig.deliver(inDialog('ACK'));
    assert.deepEqual(seen, ['network in-dialog', 'ack']);
    assert.deepEqual(rig.takeLines(), ['SIP/2.0 200 OK']);
    rig.deliver(request('ACK', ['To: <sip:1002@example.test>;tag=nobody']));
    assert.equal(rig.kernel.counters.of('sip_ack_without_dialog').value, 1);
  });

  test('RFC 5031 an emergency call is one; a REGISTER that calls itself one is not', async () => {
    const classes: string[] = [];
    const rig = await withModule((context) => {
      context.screen({ name: 's', run: ({ class: kind }) => void classes.push(kind) });
    });
    for (const method of ['INVITE', 'REGISTER', 'MESSAGE']) rig.deliver(request(method, [], 'urn:service:sos.fire'));
    assert.deepEqual(classes, ['emergency', 'background', 'new']);
  });

  test('while it stops, new requests are refused and those of dialogs are not', async () => {
    const rig = await withModule((context) => {
      trusting(context);
      context.handle('OPTIONS', () => assert.fail('handled'));
    });
    await rig.kernel.stop();
    rig.deliver(request('OPTIONS'));
    rig.deliver(request('BYE', ['To: <sip:1002@example.test>;tag=nobody']));
    assert.deepEqual(rig.takeLines(), [
      'SIP/2.0 503 Service Unavailable',
      'SIP/2.0 481 Call/Transaction Does Not Exist',
    ]);
  });

  test('who watches an INVITE hears of its CANCEL, and is let go of with the final answer', async () => {
    const seen: string[] = [];
    const rig = await withModule((context) => {
      trusting(context);
      context.handle('INVITE', (exchange) => {
        const pending = { key: exchange.key, callId: octets`c` };
        context.sip.watch(exchange.key, {
          cancelled() {
            seen.push('cancelled');
            context.sip.answer({ ...exchange, key: pending.key }, { status: 487, reason: because('gone') });
          },
        });
        return undefined;
      });
    });
    const invite = request('INVITE');
    rig.deliver(invite);
    assert.equal(rig.kernel.report().watchedInvites, 1);
    rig.deliver(invite.map((line) => line.replaceAll('INVITE', 'CANCEL')));
    assert.deepEqual(rig.takeLines(), ['SIP/2.0 200 OK', 'SIP/2.0 487 Request Terminated']);
    assert.deepEqual(seen, ['cancelled']);
    assert.equal(rig.kernel.report().watchedInvites, 0);
  });
});

suite('answers out of nowhere', () => {
  const stray = (serialNumber: number, contact = 'sip:victim@203.0.113.9') => [
    'SIP/2.0 200 OK',
    `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKgone${serialNumber}`,
    'From: <sip:1001@example.test>;tag=gone',
    'To: <sip:1002@example.test>;tag=b',
    `Call-ID: stray${serialNumber}`,
    'CSeq: 1 INVITE',
    `Contact: <${contact}>`,
  ];

  test('RFC 3261 §13.3.1.4 a 2xx that nobody waits for gets a BYE, once each time, by the way it came and no other', async () => {
    const rig = await startRig();
    const sent = rig.ask(stray(1));
    assert.deepEqual(
      sent.map(({ text, to }) => [text.split(' ', 1)[0], to]),
      [['BYE', { kind: 'flow', flow: PHONE }]],
    );
    assert.equal(rig.kernel.report().clientTransactions, 0);
    rig.advance(40_000);
    assert.deepEqual(rig.take(), [], 'a BYE was sent again');
    assert.equal(rig.ask(stray(1)).length, 1, 'it was lost: the phone says its 2xx again');
  });

  test('a flood of them fills a bound of its own, which empties as phones would fall silent', async () => {
    const rig = await startRig();
    for (let i = 0; i < 1500; i += 1) rig.deliver(stray(i));
    assert.equal(rig.take().filter(({ text }) => text.startsWith('BYE')).length, 1000);
    rig.advance(40_000);
    const bound = rig.kernel.bounds.report().find(({ name }) => name === 'kernel.turned-away');
    assert.deepEqual([bound?.used, bound?.peak, bound?.refused], [0, 1000, 500]);
  });
});
