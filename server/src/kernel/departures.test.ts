import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ALL_RIGHTS } from './principal.ts';
import { because } from './reason.ts';
import { asModule, type Rig, startRig } from './rig.ts';

/** A kernel whose REGISTER writes to the journal and whose OPTIONS does not. */
const open = (): Promise<Rig> =>
  startRig({
    modules: [
      asModule((context) => {
        const space = context.space<number>('things');
        let written = 0;
        context.authenticate({
          name: 'all',
          run: () => ({ kind: 'network', tenant: 't', network: 'n', proof: 'address', rights: ALL_RIGHTS }),
        });
        context.handle('REGISTER', () => {
          written += 1;
          space.put(`thing ${written}`, written);
          return { status: 200, reason: because('registered') };
        });
        context.handle('OPTIONS', () => ({ status: 200, reason: because('here') }));
      }),
    ],
  });

const request = (method: string, branch: string): readonly string[] => [
  `${method} sip:example.test SIP/2.0`,
  `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK${branch}`,
  'Max-Forwards: 70',
  'From: <sip:1001@example.test>;tag=a1',
  'To: <sip:1001@example.test>',
  `Call-ID: ${branch}`,
  `CSeq: 1 ${method}`,
];

const answered = (rig: Rig): readonly string[] =>
  rig.take().map(({ text }) => `${text.slice(8, 11)} ${/\r\nCall-ID: (.*)\r\n/.exec(text)?.[1]}`);

suite('departures', () => {
  test('nothing leaves before the end of the turn, then all in order, after one write', async () => {
    const rig = await open();
    for (const name of ['one', 'two', 'three']) rig.deliver(request('REGISTER', name));
    assert.deepEqual(rig.transports.sent, []);
    assert.equal(rig.disk.records.size, 0);
    rig.transports.beforeSend = () => assert.equal(rig.disk.records.get('test.things')?.size, 3);
    assert.deepEqual(answered(rig), ['200 one', '200 two', '200 three']);
  });

  test('a journal that cannot be written: a 200 to REGISTER is withheld, all else leaves; said once', async () => {
    const rig = await open();
    rig.disk.failWith = new Error('ENOSPC');
    for (const name of ['one', 'two']) {
      rig.deliver(request('REGISTER', name));
      rig.deliver(request('OPTIONS', `options-${name}`));
      rig.deliver(request('PUBLISH', `publish-${name}`));
      assert.deepEqual(answered(rig), [`200 options-${name}`, `405 publish-${name}`]);
    }
    assert.deepEqual(rig.events(), ['journal-cannot-be-written']);
    assert.equal(rig.kernel.counters.of('kernel_promises_withheld').value, 2);
  });

  test('when it can be written again, all that is owed is written before the phone that asks again is answered', async () => {
    const rig = await open();
    rig.disk.failWith = new Error('ENOSPC');
    rig.deliver(request('REGISTER', 'one'));
    assert.deepEqual(answered(rig), []);
    rig.disk.failWith = undefined;
    rig.transports.beforeSend = () => assert.equal(rig.disk.records.get('test.things')?.size, 1);
    rig.deliver(request('REGISTER', 'one'));
    assert.deepEqual(answered(rig), ['200 one']);
    assert.deepEqual(rig.events(), ['journal-cannot-be-written', 'journal-recovered']);
  });

  test('one message that cannot be sent does not keep the others of its turn', async () => {
    const rig = await open();
    let first = true;
    rig.transports.beforeSend = () => {
      if (!first) return;
      first = false;
      throw new Error('EINVAL');
    };
    rig.deliver(request('OPTIONS', 'one'));
    rig.deliver(request('OPTIONS', 'two'));
    assert.deepEqual(answered(rig), ['200 two']);
    assert.deepEqual(rig.events(), ['message-not-sent']);
  });
});
