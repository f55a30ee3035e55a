import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asMono, asWall, encode, octets } from '@strowger/proto';
import { parseUri, type SipUri } from '@strowger/sip';
import { ha1 } from '@strowger/sip/auth';
import { asModule, startRig } from '../../kernel/rig.ts';
import type { StoreClient } from '../../storage/define-store.ts';
import { openInProcessStorage } from '../../storage/in-process.ts';
import type { Storage } from '../../storage/storage.ts';
import { type DirectoryService, directory } from './api.ts';
import { directoryModule } from './module.ts';
import { directoryStore } from './store.ts';

const clock = { now: () => asMono(0), wall: () => asWall(1) };
const CONFIG = `domain: example.test
people:
  - { name: "Ada Ä", extension: "1001", password: ada-secret-1 }
  - { name: Bob, extension: "1002", password: bob-secret-2, algorithms: [SHA-256, MD5] }
`;

async function open(config: string = CONFIG, storage?: Storage) {
  const opened = storage ?? (await openInProcessStorage({ stores: [directoryStore], clock }));
  let people: DirectoryService | undefined;
  const rig = await startRig({
    config,
    store: (definition) => opened.store(definition) as StoreClient<typeof definition>,
    modules: [
      directoryModule,
      asModule(
        (context) => {
          people = context.use(directory);
        },
        { needs: [directory] },
      ),
    ],
  });
  assert.ok(people);
  return { people, rig, storage: opened };
}

const uri = (text: string): SipUri => {
  const parsed = parseUri(encode(text));
  assert.ok(parsed.ok && parsed.value.kind === 'sip');
  return parsed.value;
};

suite('directory', () => {
  test('people of the file are found by extension, their devices by user name, and their HA1 is derived', async () => {
    const { people } = await open();
    assert.deepEqual(people.find('default', uri('sip:1001@example.test'))?.name, 'Ada Ä');
    assert.equal(people.extensionOf('default', uri('sip:%31001@example.test')), '1001', 'RFC 3261 §19.1.4 unescaped');
    assert.equal(people.find('default', uri('sip:4711@example.test')), undefined);
    assert.equal(people.find('other', uri('sip:1001@example.test')), undefined);
    const device = people.device('default', octets`1002`);
    assert.deepEqual(device?.algorithms, ['SHA-256', 'MD5']);
    const expected = ha1('MD5', octets`1002`, octets`example.test`, octets`bob-secret-2`);
    assert.equal(device && people.ha1(device, 'MD5'), expected);
    assert.equal(device && people.ha1(device, 'MD5'), expected, 'and kept');
    assert.equal(people.device('other', octets`1002`), undefined);
  });

  test('a domain, and each address we listen on, is ours; nothing else is', async () => {
    const { people } = await open();
    assert.deepEqual(
      [octets`example.test`, octets`192.0.2.1`, octets`elsewhere.test`].map((host) => people.tenantOf(host)),
      ['default', 'default', undefined],
    );
    assert.equal(people.domainOf('default'), 'example.test');
  });

  test('names that phones may know us by are ours as well, and say whose domain it is', async () => {
    const { people } = await open(`${CONFIG}\naliases: [PBX.example.test, "[2001:db8::5]"]\n`);
    for (const host of [octets`pbx.example.test`, octets`[2001:db8::5]`]) assert.ok(people.isOurs(host), host);
    assert.ok(!people.isOurs(octets`localhost`), 'no listener there');
    assert.equal(people.tenantOf(octets`pbx.example.test`), 'default');
  });

  test('who leaves the file cannot log in any more, and their extension is known to be switched off', async () => {
    const { storage } = await open();
    const { people } = await open(CONFIG.split('\n').slice(0, 3).join('\n'), storage);
    assert.equal(people.device('default', octets`1002`), undefined);
    assert.equal(people.byExtension('default', '1002')?.disabled, true);
    assert.equal(people.byExtension('default', '1001')?.disabled, false);
  });

  test('no password stands in the log', async () => {
    const { rig } = await open();
    assert.deepEqual(rig.events(), ['person-added', 'person-added', 'directory-loaded']);
    assert.ok(!/secret/.test(JSON.stringify(rig.logged)));
  });
});
