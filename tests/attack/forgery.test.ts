/** Somebody says to be somebody else: within calls, in answers, at registration, in From, with digests that were used before. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Parts, type Received, request, response, sdp, tagOf, unique } from './support/message.ts';
import { UdpPeer } from './support/peer.ts';
import { ALICE, BOB, credentials, DOMAIN, MALLORY, Phone, type Talk } from './support/phone.ts';
import { type Site, startSite } from './support/site.ts';

const OTHER = 'somebodyElsesTag';

suite('attack: forgery', { timeout: 90_000 }, () => {
  let site: Site;
  let alice: Phone;
  let bob: Phone;
  let mallory: Phone;
  let eve: UdpPeer;
  /** Bob's side of the last call, and the INVITE that it came by. */
  const last: { talk?: Talk; invite?: Received } = {};

  before(async () => {
    // Many guesses from one address, to look at their answers: see tests/attack/enumeration.test.ts for the limit.
    site = await startSite({ config: { limits: { failuresPerMinute: 100_000 } } });
    alice = new Phone(await UdpPeer.at('127.0.0.2', site.port), ALICE);
    bob = new Phone(await UdpPeer.at('127.0.0.3', site.port), BOB);
    mallory = new Phone(await UdpPeer.at('127.0.0.5', site.port), MALLORY);
    eve = await UdpPeer.at('127.0.0.4', site.port);
    bob.answers(9, (talk, message) => {
      last.talk = talk;
      last.invite = message;
    });
    for (const phone of [alice, bob, mallory]) assert.equal((await phone.register()).status, 200);
  });

  after(async () => {
    for (const peer of [alice.peer, bob.peer, mallory.peer, eve]) peer.close();
    await site.stop();
  });

  const up = async (): Promise<{ readonly a: Talk; readonly b: Talk }> => {
    const a = await alice.call(BOB.user, 9);
    await sleep(50);
    assert.ok(last.talk);
    return { a, b: last.talk };
  };

  /** Both hang up as people do: the call was there all the time. */
  const stillUp = async (a: Talk): Promise<void> => {
    const heard = [...alice.peer.received, ...bob.peer.received].filter(({ status }) => status === 0);
    assert.deepEqual(heard, [], 'a phone was asked something');
    assert.equal((await site.health()).calls, 1);
    assert.equal((await alice.hangUp(a)).status, 200);
    await site.healthy('the call is gone', ({ calls, dialogs }) => calls === 0 && dialogs === 0);
  };

  test('BYE, re-INVITE, INFO, UPDATE with a tag that is wrong, from elsewhere: 481, and the call knows nothing of it', async () => {
    const { a, b } = await up();
    const sides = [
      { side: a, phone: alice },
      { side: b, phone: bob },
    ];
    for (const { side, phone } of sides) {
      const wrongTags = [
        { from: side.local.replace(/;tag=.*/, `;tag=${OTHER}`) },
        { to: side.remote.replace(/;tag=.*/, `;tag=${OTHER}`) },
        { from: `<sip:x@y>;tag=${OTHER}`, to: `<sip:x@y>;tag=${OTHER}` },
        // The other leg's: one side of the house does not know the other.
        { callId: side === a ? b.callId : a.callId },
      ];
      for (const wrong of wrongTags) {
        for (const method of ['BYE', 'INVITE', 'INFO', 'UPDATE']) {
          const body = method === 'INVITE' || method === 'UPDATE' ? sdp(eve.address, 6666) : '';
          const parts: Partial<Parts> = { sentBy: eve.sentBy, cseq: 90, body, ...wrong };
          eve.send(phone.within(side, method, { fields: [`Contact: <sip:eve@${eve.sentBy}>`], ...parts }));
          const answer = await eve.final(parts.callId ?? side.callId, `90 ${method}`);
          assert.equal(answer.status, 481, `${method} ${JSON.stringify(wrong)}`);
        }
      }
    }
    await stillUp(a);
  });

  test('both tags right and the CSeq old: 500, and the call goes on; a forged ACK ends nothing', async () => {
    const { a, b } = await up();
    eve.send(alice.within(a, 'BYE', { sentBy: eve.sentBy, cseq: 1 }));
    assert.equal((await eve.final(a.callId, '1 BYE')).status, 500);
    for (const [side, phone] of [
      [a, alice],
      [b, bob],
    ] as const) {
      for (const cseq of [0, 1, a.cseq, 2_147_483_647]) {
        eve.send(phone.within(side, 'ACK', { sentBy: eve.sentBy, cseq, body: sdp(eve.address, 6666) }));
      }
    }
    await sleep(100);
    await stillUp(a);
  });

  test('RFC 3261 §22.1 a CANCEL with an overheard branch from another host: 481, and the phone rings on', async () => {
    bob.peer.onMessage = () => false;
    const uri = `sip:${BOB.user}@${DOMAIN}`;
    const fields = [`Contact: ${alice.contact}`];
    const parts = alice.parts({
      method: 'INVITE',
      uri,
      to: `<${uri}>`,
      callId: unique('c'),
      fields,
      body: sdp('127.0.0.2', 9),
    });
    const asked = alice.ask(parts, 5_000);
    const ringing = await bob.peer.request('INVITE');
    bob.peer.send(response(ringing, 180, { tag: 'bobRings', fields: [`Contact: ${bob.contact}`] }));
    const told = await alice.peer.next('180', (m) => m.status === 180 && m.header('Call-ID') === parts.callId);
    const branch = /branch=([^;\s]+)/.exec(told.header('Via') ?? '')?.[1] ?? '';
    const cancel = { ...parts, method: 'CANCEL', branch, cseq: 2, body: '', fields: [] };
    // The sent-by is part of the branch's name, so she writes that of Alice too: the answer goes to her socket all the same.
    eve.send(request(cancel));
    assert.equal((await eve.final(parts.callId ?? '', '2 CANCEL')).status, 481);
    for (const wrong of [unique('z9hG4bK'), `${branch}0`, branch.slice(0, -1)]) {
      eve.send(request({ ...cancel, branch: wrong }));
      assert.equal((await eve.final(parts.callId ?? '', '2 CANCEL')).status, 481);
    }
    await sleep(100);
    assert.equal(
      bob.peer.received.some(({ method }) => method === 'CANCEL'),
      false,
    );
    alice.peer.send(request(cancel));
    assert.equal((await alice.peer.final(parts.callId ?? '', '2 CANCEL')).status, 200);
    bob.peer.send(response(await bob.peer.request('CANCEL'), 200));
    bob.peer.send(response(ringing, 487, { tag: 'bobRings' }));
    assert.equal((await asked).status, 487);
    await bob.peer.request('ACK');
    await site.healthy('the call is gone', ({ calls, dialogs }) => calls === 0 && dialogs === 0);
  });

  test('RFC 3581 §4 answers in a phone’s place: from another host, or with a branch that is wrong, nothing comes of them', async () => {
    bob.peer.onMessage = () => false;
    const uri = `sip:${BOB.user}@${DOMAIN}`;
    const fields = [`Contact: ${alice.contact}`];
    const parts = alice.parts({
      method: 'INVITE',
      uri,
      to: `<${uri}>`,
      callId: unique('c'),
      fields,
      body: sdp('127.0.0.2', 9),
    });
    const asked = alice.ask(parts, 5_000);
    const ringing = await bob.peer.request('INVITE');
    const taken = { tag: 'eveTakesIt', fields: [`Contact: <sip:eve@${eve.sentBy}>`], body: sdp(eve.address, 6666) };
    for (const status of [183, 200, 302, 401, 486, 603]) {
      // Overheard as it is, and with a branch made up.
      eve.send(response(ringing, status, taken));
      for (const peer of [eve, bob.peer]) {
        const own = response(ringing, status, taken);
        peer.send(
          own.replace(/branch=z9hG4bK([^;\s]*)/, (_, b: string) => `branch=z9hG4bK${[...b].reverse().join('')}`),
        );
      }
    }
    await sleep(150);
    const told = alice.peer.received.filter((m) => m.status >= 180 && m.header('Call-ID') === parts.callId);
    assert.deepEqual(told, [], 'the caller was told something');
    assert.equal(
      eve.received.some(({ method, status }) => status === 0 && method === 'ACK'),
      false,
    );
    bob.peer.received.length = 0;
    bob.peer.send(
      response(ringing, 200, { tag: 'bobTakesIt', fields: [`Contact: ${bob.contact}`], body: sdp('127.0.0.3', 9) }),
    );
    const answer = await asked;
    assert.equal(answer.status, 200);
    assert.equal((await bob.peer.request('ACK')).header('To')?.includes('bobTakesIt'), true);
    // And in the time in which a 2xx may come again: RFC 6026 has the transaction for that, the dialog for what is later.
    eve.send(response(ringing, 200, taken));
    await sleep(100);
    assert.deepEqual(
      eve.received.filter(({ status }) => status === 0),
      [],
    );
    const target = /<([^>]*)>/.exec(answer.header('Contact') ?? '')?.[1] ?? '';
    const talk = {
      callId: parts.callId ?? '',
      local: parts.from,
      remote: answer.header('To') ?? '',
      target,
      media: 0,
      cseq: 2,
      branch: '',
    };
    alice.peer.send(alice.within(talk, 'ACK', { cseq: 2 }));
    const ended = alice.hangUp(talk);
    bob.peer.send(response(await bob.peer.request('BYE'), 200));
    assert.equal((await ended).status, 200);
  });

  test('RFC 3261 §10.3 REGISTER for somebody else’s address with one’s own credentials: 403, and nothing is changed', async () => {
    bob.answers(9, (talk, message) => {
      last.talk = talk;
      last.invite = message;
    });
    const before = (await site.health()).bindings;
    for (const to of [
      `<sip:${BOB.user}@${DOMAIN}>`,
      `"x" <sip:%31002@${DOMAIN}>`,
      `<tel:${BOB.user}>`,
      `<sips:${BOB.user}@${DOMAIN}>`,
    ]) {
      const answer = await mallory.register({ to });
      assert.ok([403, 404].includes(answer.status), `${to}: ${answer.status}`);
      const gone = await mallory.register({ to, contact: '*', expires: 0 });
      assert.ok([403, 404].includes(gone.status), `${to}: ${gone.status}`);
    }
    assert.equal((await site.health()).bindings, before);
    assert.equal((await alice.hangUp(await alice.call(BOB.user, 9))).status, 200);
  });

  test('somebody else’s name in From, P-Asserted-Identity and the like: the callee is shown who proved to call', async () => {
    const fields = [
      `Contact: ${mallory.contact}`,
      `P-Asserted-Identity: "Alice" <sip:${ALICE.user}@${DOMAIN}>`,
      `P-Preferred-Identity: <sip:${ALICE.user}@${DOMAIN}>`,
      `Remote-Party-ID: "Alice" <sip:${ALICE.user}@${DOMAIN}>;party=calling`,
      'Privacy: id',
      `Diversion: <sip:${ALICE.user}@${DOMAIN}>`,
      `History-Info: <sip:${ALICE.user}@${DOMAIN}>;index=1`,
      `Referred-By: <sip:${ALICE.user}@${DOMAIN}>`,
      'Call-Info: <http://127.0.0.4/evil.jpg>;purpose=icon',
      'Alert-Info: <http://127.0.0.4/evil.wav>',
      'Reply-To: <sip:1001@example.test>',
    ];
    const uri = `sip:${BOB.user}@${DOMAIN}`;
    const from = `"Alice" <sip:${ALICE.user}@${DOMAIN}>;tag=${unique('f')}`;
    const parts = mallory.parts({
      method: 'INVITE',
      uri,
      from,
      to: `<${uri}>`,
      callId: unique('c'),
      fields,
      body: sdp('127.0.0.5', 9),
    });
    const answer = await mallory.ask(parts);
    assert.equal(answer.status, 200);
    const { invite } = last;
    assert.ok(invite);
    assert.match(invite.header('From') ?? '', /^"?Mallory"? <sip:1003@example\.test>;tag=/);
    assert.equal(/Alice|1001/.test(invite.text), false, invite.text);
    assert.equal(/127\.0\.0\.[45]/.test(invite.text), false, 'the callee is told the caller’s address');
    const target = /<([^>]*)>/.exec(answer.header('Contact') ?? '')?.[1] ?? '';
    const talk = {
      callId: parts.callId ?? '',
      local: from,
      remote: answer.header('To') ?? '',
      target,
      media: 0,
      cseq: 2,
      branch: '',
    };
    mallory.peer.send(mallory.within(talk, 'ACK', { cseq: 2 }));
    assert.equal((await mallory.hangUp(talk)).status, 200);
  });

  test('RFC 7616 §5.4 credentials a second time: same nonce and count, another method, another target, another realm, from elsewhere', async () => {
    const target = `sip:${BOB.user}@${DOMAIN}`;
    const base = alice.parts({ method: 'OPTIONS', uri: target, to: `<${target}>` });
    const tell = async (peer: UdpPeer, parts: Parts, proof: string): Promise<Received> => {
      const callId = unique('c');
      peer.send(
        request({
          ...parts,
          callId,
          branch: unique('z9hG4bK'),
          sentBy: peer.sentBy,
          fields: [...(parts.fields ?? []), proof],
        }),
      );
      return peer.final(callId, `1 ${parts.method}`);
    };
    const challenge = async (peer: UdpPeer): Promise<Received> => {
      const callId = unique('c');
      peer.send(request({ ...base, callId, sentBy: peer.sentBy }));
      return peer.final(callId, '1 OPTIONS');
    };
    const own = alice.peer as UdpPeer;
    const asked = await challenge(own);
    const proof = credentials(asked, ALICE, { method: 'OPTIONS', uri: target });
    const first = await tell(own, base, proof);
    assert.ok(first.status !== 401 && first.status !== 407, first.text);
    for (const peer of [own, eve]) {
      const again = await tell(peer, base, proof);
      assert.deepEqual([again.status, again.text.includes('stale=true')], [401, true]);
    }
    // Another count under the same digest is another digest.
    assert.equal((await tell(eve, base, proof.replace('nc=00000001', 'nc=00000002'))).status, 401);
    const fresh = credentials(await challenge(eve), ALICE, { method: 'OPTIONS', uri: target });
    const register = {
      ...base,
      method: 'REGISTER',
      uri: `sip:${DOMAIN}`,
      to: `<${alice.aor}>`,
      fields: [`Contact: <sip:eve@${eve.sentBy}>`],
    };
    const call = { ...base, method: 'INVITE', fields: [`Contact: <sip:eve@${eve.sentBy}>`], body: sdp('127.0.0.4', 9) };
    for (const parts of [register, call, { ...base, uri: `sip:${MALLORY.user}@${DOMAIN}` }]) {
      const answer = await tell(eve, parts, fresh);
      assert.ok([400, 401, 407].includes(answer.status), `${parts.method} ${parts.uri}: ${answer.status}`);
    }
    const elsewhere = credentials(asked, ALICE, { method: 'OPTIONS', uri: target, realm: 'elsewhere.test' });
    assert.equal((await tell(eve, base, elsewhere)).status, 401);
    const made = proof.replace(/nonce="[^"]*"/, `nonce="${'0'.repeat(69)}"`);
    assert.equal((await tell(eve, base, made)).status, 401);
    assert.equal((await site.health()).bindings, 3);
  });

  test('the server stands, and honest people are served', async () => {
    assert.equal(tagOf('<sip:x>;tag=1'), '1');
    await site.stands();
  });
});
