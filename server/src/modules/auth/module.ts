/**
 * Who is there: digest for devices (RFC 3261 §22, RFC 8760), the address for networks the configuration trusts. Every
 * method outside a dialog is asked, and an unknown user is answered like a wrong password: same bytes, same work.
 */
import { encode, type Octets, randomHex, redactAddress } from '@strowger/proto';
import { authorization, type Field, parseUri, proxyAuthorization } from '@strowger/sip';
import {
  type DigestAlgorithm,
  type DigestVerdict,
  makeChallenge,
  NonceStore,
  readCredentials,
  type UriRule,
  verify,
} from '@strowger/sip/auth';
import { networkSet } from '../../config/network.ts';
import type { ModuleContext } from '../../kernel/context.ts';
import { type Exchange, refuse, type Verdict } from '../../kernel/exchange.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { ALL_RIGHTS, type Principal } from '../../kernel/principal.ts';
import { because } from '../../kernel/reason.ts';
import { type Device, type DirectoryService, directory } from '../directory/api.ts';
import { type LimitsService, limits } from '../limits/api.ts';

const NONCES = 65_536;

export const authModule: ServerModule = defineModule({
  name: 'auth',
  needs: [directory, limits],
  offers: [],

  setup(context) {
    const auth = new Authenticator(context, context.use(directory), context.use(limits));
    context.authenticate({ name: 'trusted-networks', before: ['digest'], run: (exchange) => auth.byNetwork(exchange) });
    context.authenticate({ name: 'digest', run: (exchange) => auth.byDigest(exchange) });
  },
});

class Authenticator {
  readonly #context: ModuleContext;
  readonly #people: DirectoryService;
  readonly #limits: LimitsService;
  readonly #nonces: NonceStore;
  readonly #trusted: readonly { readonly text: string; has(address: string): boolean }[];
  readonly #tenant: string;

  constructor(context: ModuleContext, people: DirectoryService, limiter: LimitsService) {
    this.#context = context;
    this.#people = people;
    this.#limits = limiter;
    this.#tenant = people.defaultTenant;
    this.#trusted = context.config.trusted.map((network) => ({
      text: `${network.address}/${network.prefix}`,
      has: networkSet([network]).has,
    }));
    this.#nonces = new NonceStore({
      key: context.secrets.nonceKey,
      boot: randomHex(context.random, 4) as Octets,
      random: context.random,
      capacity: NONCES,
      hashes: context.hashes,
    });
    context.bounds.observe({
      name: 'auth.nonces',
      cap: NONCES,
      whenFull: 'the one used first is forgotten, and its phone is asked again',
      used: () => this.#nonces.size,
    });
  }

  byNetwork(exchange: Exchange): Principal | undefined {
    const network = this.#trusted.find((n) => n.has(exchange.flow.remote.address));
    if (!network) return undefined;
    const tenant = this.#tenantOf(exchange);
    return { kind: 'network', tenant, network: network.text, proof: 'address', rights: ALL_RIGHTS };
  }

  byDigest(exchange: Exchange): Principal | Verdict {
    const { request } = exchange;
    const tenant = this.#tenantOf(exchange);
    const realm = this.#people.domainOf(tenant);
    const header = challengesAsRegistrar(request.method) ? authorization : proxyAuthorization;
    // Many phones answer a 407 in the one field and some in the other; either proves the same.
    const fields = [
      ...request.rawAll(header),
      ...request.rawAll(header === authorization ? proxyAuthorization : authorization),
    ];
    const read = readCredentials(fields, realm);
    switch (read.kind) {
      case 'no-credentials':
        return this.#challenge(exchange, realm, { stale: false, code: 'no-credentials' });
      case 'unknown-algorithm':
        return this.#challenge(exchange, realm, { stale: false, code: 'algorithm-unknown' });
      case 'malformed':
        return refuse(400, because('credentials-malformed', { code: read.code }));
      case 'credentials':
        break;
    }
    // An emergency call passes the limits whoever guessed before; it must not be the way to guess on.
    if (!this.#limits.mayTry(exchange.flow.remote.address)) {
      return this.#challenge(exchange, realm, { stale: false, code: 'too-many-wrong-passwords' });
    }
    const device = this.#people.device(tenant, read.credentials.username);
    const verdict = verify({
      credentials: read.credentials,
      method: request.method,
      uriText: request.uriText,
      body: request.body,
      realm,
      nonces: this.#nonces,
      binding: bindingOf(exchange),
      now: this.#context.clock.wall(),
      policy: { uri: this.#uriRule(read.credentials.uri) },
      hashes: this.#context.hashes,
      ...(device === undefined ? {} : { account: { ha1: (algorithm) => this.#ha1(device, algorithm) } }),
    });
    return this.#judge(exchange, verdict, device, realm);
  }

  /**
   * RFC 3261 §22.4 allows that the digest's uri is not the Request-URI: some programs (SIPp) name just the server they
   * talk to. That is as good, where it is us: each nonce count is taken once.
   */
  #uriRule(uri: Octets): UriRule {
    const named = parseUri(uri);
    if (!named.ok || named.value.kind !== 'sip' || named.value.user !== undefined) return 'lenient';
    return this.#people.isOurs(named.value.host) ? 'any' : 'lenient';
  }

  #judge(exchange: Exchange, verdict: DigestVerdict, device: Device | undefined, realm: Octets): Principal | Verdict {
    switch (verdict.kind) {
      case 'accepted':
        if (device) return this.#principal(device);
        break;
      case 'stale':
        return this.#challenge(exchange, realm, { stale: true, code: `nonce-${verdict.reason}` });
      case 'replayed':
        return this.#challenge(exchange, realm, { stale: true, code: 'nonce-count-replayed' });
      case 'malformed':
        return refuse(400, because('credentials-malformed', { code: verdict.code }));
      case 'wrong':
        this.#limits.failed(exchange.flow.remote.address);
        // Bounded by the limit on failures: past it nothing of that address comes so far.
        this.#context.log.warn('authentication-failed', {
          method: exchange.request.method,
          from: redactAddress(exchange.flow.remote.address),
          extension: device?.extension ?? 'unknown',
          reason: verdict.reason,
        });
        return this.#challenge(exchange, realm, { stale: false, code: `credentials-wrong-${verdict.reason}` });
      case 'foreign-nonce':
      case 'no-credentials':
      case 'unknown-algorithm':
        break;
    }
    return this.#challenge(exchange, realm, { stale: false, code: verdict.kind });
  }

  #principal({ tenant, person, device, extension }: Device): Principal {
    return { kind: 'device', tenant, person, device, extension, proof: 'digest', rights: ALL_RIGHTS };
  }

  /** A device is reached only by the algorithms of its list. */
  #ha1(device: Device, algorithm: DigestAlgorithm): Octets | undefined {
    return device.algorithms.includes(algorithm) ? this.#people.ha1(device, algorithm) : undefined;
  }

  /** The domain it speaks to says whose it is; one that is not ours is asked all the same, and told nothing by it. */
  #tenantOf({ request }: Exchange): string {
    const { uri } = request.to;
    const named =
      request.method === 'REGISTER' && uri.kind === 'sip' ? uri : request.uri.ok ? request.uri.value : undefined;
    return (named?.kind === 'sip' ? this.#people.tenantOf(named.host) : undefined) ?? this.#tenant;
  }

  /** The device's own list, by the name it claims in From; it is only asked, nothing is believed yet. */
  #algorithmsOf(exchange: Exchange): readonly DigestAlgorithm[] {
    const { uri } = exchange.request.from;
    const tenant = this.#tenantOf(exchange);
    const claimed = uri.kind === 'sip' && uri.user !== undefined ? this.#people.device(tenant, uri.user) : undefined;
    return claimed?.algorithms ?? this.#context.config.auth.algorithms;
  }

  #challenge(exchange: Exchange, realm: Octets, o: { readonly stale: boolean; readonly code: string }): Verdict {
    const asRegistrar = challengesAsRegistrar(exchange.request.method);
    const values = makeChallenge({
      realm,
      nonce: this.#nonces.issue(realm, bindingOf(exchange), this.#context.clock.wall()),
      algorithms: this.#algorithmsOf(exchange),
      stale: o.stale,
    });
    const name = asRegistrar ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    const fields = values.map((value): Field => [name, value]);
    return refuse(asRegistrar ? 401 : 407, because(o.code), fields);
  }
}

/**
 * A nonce is good from the address it was sent to: thirty datagrams in another's name would else have that one locked out.
 * The port may change, as behind a NAT it does.
 */
const bindingOf = ({ flow }: Exchange): Octets => encode(flow.remote.address);

/** RFC 3261 §22.2, §22.3: who is spoken to asks with 401, who passes on asks with 407. */
const challengesAsRegistrar = (method: Octets): boolean => method !== 'INVITE' && method !== 'MESSAGE';
