/** The directory: people, extensions and devices, read at start and kept in memory; the store has them for good. */
import { encode, formatHost, type Octets, randomHex } from '@strowger/proto';
import { type SipUri, type TelUri, userText } from '@strowger/sip';
import { ALGORITHMS, type DigestAlgorithm, ha1 } from '@strowger/sip/auth';
import type { ModuleContext } from '../../kernel/context.ts';
import type { Listening } from '../../kernel/host.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { DEFAULT_TENANT, type Device, type DirectoryService, directory, type Extension } from './api.ts';
import { declaredRows } from './declared.ts';
import { deviceSecretAbout, directoryStore, type StoredDevice, type StoredExtension } from './store.ts';

interface Known extends Device {
  readonly sealed: string;
  readonly userName: string;
}

export const directoryModule: ServerModule = defineModule({
  name: 'directory',
  needs: [],
  offers: [directory],

  async setup(context) {
    const store = context.store(directoryStore);
    await store.putTenant(DEFAULT_TENANT, context.config.domain);
    const rows = declaredRows(context.config.people, DEFAULT_TENANT, {
      secrets: context.secrets,
      id: () => randomHex(context.random, 12),
      password: () => randomHex(context.random, 12),
      algorithms: context.config.auth.algorithms,
    });
    for (const change of await store.applyFile(DEFAULT_TENANT, rows)) {
      if (change.kind === 'refused') context.log.warn('person-refused', { ...change });
      else context.log.info(`person-${change.kind}`, { extension: change.extension, fields: change.fields });
    }
    const service = new InMemoryDirectory(context);
    for (const { tenant, domain } of await store.system.listTenants()) service.addTenant(tenant, domain);
    let after: { tenant: string; id: string } | undefined;
    do {
      const page: readonly StoredDevice[] = await store.system.listDevices(after);
      for (const device of page) service.add(device);
      after = page.at(-1);
    } while (after !== undefined);
    let beyond: { tenant: string; id: string } | undefined;
    do {
      const page: readonly StoredExtension[] = await store.system.listExtensions(beyond);
      for (const extension of page) service.addExtension(extension);
      beyond = page.at(-1);
    } while (beyond !== undefined);
    context.log.info('directory-loaded', { devices: service.size });
    context.provide(directory, service);
  },
});

class InMemoryDirectory implements DirectoryService {
  readonly defaultTenant = DEFAULT_TENANT;
  readonly #context: ModuleContext;
  readonly #domains = new Map<string, Octets>();
  readonly #tenants = new Map<string, string>();
  readonly #devices = new Map<string, Known>();
  readonly #extensions = new Map<string, Extension>();
  /** HA1s made so far: one for each device and algorithm at the most. */
  readonly #ha1s = new Map<string, Octets>();
  readonly #ownHosts: ReadonlySet<string>;

  constructor(context: ModuleContext) {
    this.#context = context;
    this.#ownHosts = new Set([...context.config.aliases, ...ownAddresses(context.listening)]);
  }

  get size(): number {
    return this.#devices.size;
  }

  addTenant(tenant: string, domain: string): void {
    this.#domains.set(tenant, encode(domain));
    this.#tenants.set(domain.toLowerCase(), tenant);
  }

  add({ tenant, id, userName, secret, algorithms, person, extensions }: StoredDevice): void {
    const [extension] = extensions;
    if (extension === undefined) return;
    const device = { tenant, person: person.id, device: id, extension, name: person.name, sealed: secret, userName };
    this.#devices.set(`${tenant} ${encode(userName)}`, { ...device, algorithms: known(algorithms) });
  }

  /** Those that are switched off too: that is another answer than "unknown". */
  addExtension({ tenant, number, person, name, disabled }: StoredExtension): void {
    this.#extensions.set(`${tenant} ${number}`, { extension: number, person, name, disabled });
  }

  tenantOf(host: Octets): string | undefined {
    return this.#tenants.get(host) ?? (this.#ownHosts.has(host) ? DEFAULT_TENANT : undefined);
  }

  isOurs(host: Octets): boolean {
    return this.tenantOf(host) !== undefined;
  }

  domainOf(tenant: string): Octets {
    return this.#domains.get(tenant) ?? encode(this.#context.config.domain);
  }

  find(tenant: string, uri: SipUri | TelUri): Extension | undefined {
    return this.byExtension(tenant, userText(uri));
  }

  extensionOf(tenant: string, uri: SipUri | TelUri): string | undefined {
    return this.find(tenant, uri)?.extension;
  }

  byExtension(tenant: string, extension: string): Extension | undefined {
    return this.#extensions.get(`${tenant} ${extension}`);
  }

  device(tenant: string, user: Octets): Device | undefined {
    return this.#devices.get(`${tenant} ${user}`);
  }

  ha1(device: Device, algorithm: DigestAlgorithm): Octets {
    const key = `${algorithm} ${device.tenant} ${device.device}`;
    const ready = this.#ha1s.get(key);
    if (ready !== undefined) return ready;
    const { sealed, userName, tenant } = device as Known;
    const password = this.#context.secrets.open(sealed, deviceSecretAbout(tenant, userName));
    const made = ha1(algorithm, encode(userName), this.domainOf(tenant), encode(password), this.#context.hashes);
    this.#ha1s.set(key, made);
    return made;
  }
}

/** As hosts stand in URIs, `localhost` among them where it is us. */
function ownAddresses(listening: readonly Listening[]): readonly string[] {
  const hosts = listening.map(({ address }) => formatHost(address.address));
  return hosts.some((host) => host === '127.0.0.1' || host === '[::1]') ? [...hosts, 'localhost'] : hosts;
}

function known(names: readonly string[]): readonly DigestAlgorithm[] {
  return ALGORITHMS.filter((algorithm) => names.includes(algorithm)).sort(
    (a, b) => names.indexOf(a) - names.indexOf(b),
  );
}
