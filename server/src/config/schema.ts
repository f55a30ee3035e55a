/**
 * Every key of the configuration file: its type, default, meaning and an example. `load.ts` validates by it,
 * `docs/config.schema.json` and `docs/configuration.md` are made from it by tools/config-schema.ts.
 */
import type { DigestAlgorithm } from '@strowger/sip/auth';
import Type, { type TSchema } from 'typebox';
import type { HttpListener, Listener, Network, PortRange } from './network.ts';

/** What a person's line of the file says. */
export interface DeclaredPerson {
  readonly name: string;
  readonly extension: string;
  readonly email?: string;
  /** The device's secret. Absent: one is generated and kept in the store. */
  readonly password?: string;
  /** Digest algorithms their device is asked for, instead of the site's. */
  readonly algorithms?: readonly DigestAlgorithm[];
}

/** The configuration, complete: every default filled in, every text read. Frozen all the way down. */
export interface Config {
  readonly domain: string;
  /** Other names and addresses that phones may know the server by. */
  readonly aliases: readonly string[];
  readonly listen: readonly Listener[];
  readonly http: { readonly listen: readonly HttpListener[] };
  readonly media: {
    /** Empty: the address by which each phone reaches us. */
    readonly addresses: readonly string[];
    readonly ports: PortRange;
    readonly idleSeconds: number;
    readonly orphanSeconds: number;
  };
  readonly trusted: readonly Network[];
  readonly auth: AuthConfig;
  readonly people: readonly DeclaredPerson[];
  readonly log: { readonly level: LogLevel };
  readonly limits: LimitsConfig;
  readonly registrar: RegistrarConfig;
  readonly calls: CallsConfig;
  readonly durability: 'process' | 'disk';
  /** The top-level keys that the file itself gives: a default that cannot be had (no IPv6) is a warning, a wish is an error. */
  readonly given: readonly string[];
}

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LimitsConfig {
  readonly transactions: number;
  readonly calls: number;
  readonly bindings: number;
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly failuresPerMinute: number;
}

export interface RegistrarConfig {
  readonly minExpires: number;
  readonly maxExpires: number;
  readonly defaultExpires: number;
  readonly maxBindings: number;
}

export interface AuthConfig {
  readonly algorithms: readonly DigestAlgorithm[];
}

export interface CallsConfig {
  readonly ringSeconds: number;
  readonly maxSeconds: number;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** Text that goes into SIP headers and onto displays: no control characters, so that nothing can pose as a line of its own. */
const NAME = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]+$';
const HOST = '^[A-Za-z0-9][A-Za-z0-9-]{0,62}(\\.[A-Za-z0-9-]{1,63})*$';

/** A host name or an IPv4 address, or an IPv6 address as it stands in a URI. */
const ALIAS = `${HOST}|^\\[[0-9A-Fa-f:.]+\\]$`;

const closed = { additionalProperties: false } as const;
const text = (format: string, description: string, more: object = {}) => Type.String({ format, description, ...more });
const count = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ default: fallback, minimum, maximum, description }));

/** RFC 8760 §2.2: a phone takes the first of the list that it knows; many refuse a list with one they do not. */
const algorithms = (description: string, more: object = { examples: [['SHA-256', 'MD5']] }) =>
  Type.Array(Type.Enum(['MD5', 'SHA-256', 'SHA-512-256']), { minItems: 1, maxItems: 3, description, ...more });

const person = Type.Object(
  {
    name: Type.String({ pattern: NAME, maxLength: 120, description: 'Shown to whom they call.', examples: ['Alice'] }),
    extension: Type.Union([Type.String({ pattern: '^[0-9A-Za-z*#+._-]{1,32}$' }), Type.Integer({ minimum: 0 })], {
      description:
        'The number they are called by, and the user name of their device. Quote it: a leading zero of a bare number is lost.',
      examples: ['1001'],
    }),
    password: Type.Optional(
      Type.String({
        pattern: NAME,
        minLength: 8,
        maxLength: 128,
        description: "The device's password. Left out, one is generated.",
        examples: ['alice-secret-1'],
      }),
    ),
    algorithms: Type.Optional(
      algorithms(
        'Digest algorithms their device is asked for, the best it knows first; without it those under `auth`.',
      ),
    ),
    email: Type.Optional(
      Type.String({
        pattern: '^[^@\\s\\u0000-\\u001f]+@[^@\\s\\u0000-\\u001f]+$',
        maxLength: 254,
        description: 'Where messages for them go.',
        examples: ['alice@example.test'],
      }),
    ),
  },
  { ...closed, description: 'A person with one device.' },
);

const httpUrl = Type.String({ format: 'http-listener' });
const ip = Type.String({ format: 'address' });

/** The schema of the file. `default`, `description` and `examples` are what the documentation shows. */
export const configSchema: TSchema = Type.Object(
  {
    domain: Type.Optional(
      Type.String({
        pattern: HOST,
        maxLength: 253,
        description:
          "The domain of SIP addresses here (`sip:1001@domain`) and the realm of passwords. Without it the machine's full host name, or `localhost` where it has none.",
        examples: ['example.test'],
      }),
    ),
    aliases: Type.Optional(
      Type.Array(Type.String({ pattern: ALIAS, maxLength: 253 }), {
        default: [],
        maxItems: 1000,
        description:
          'Other names and addresses that phones may know this server by: a DNS name, the address outside a NAT. The addresses it listens on need not be named.',
        examples: [['pbx.example.test', '203.0.113.7']],
      }),
    ),
    listen: Type.Optional(
      Type.Array(text('listener', 'One listener.'), {
        default: ['udp://0.0.0.0:5060', 'tcp://0.0.0.0:5060', 'udp://[::]:5060', 'tcp://[::]:5060'],
        minItems: 1,
        maxItems: 1000,
        description:
          'Where SIP is received: `udp`, `tcp`, `tls`, `ws` or `wss`, an address (IPv6 in brackets) and a port. `[::]` is IPv6 alone. `0.0.0.0` and `[::]` are the addresses that the machine has at the start.',
        examples: [['udp://127.0.0.1:5060', 'udp://[::1]:5060']],
      }),
    ),
    http: Type.Optional(
      Type.Object(
        {
          listen: Type.Optional(
            Type.Union([httpUrl, Type.Array(httpUrl, { maxItems: 16 })], {
              default: ['https://0.0.0.0:8443', 'https://[::]:8443'],
              description: 'Where the API, the pages, and SIP over WebSocket (at `/sip`) are served.',
              examples: ['https://127.0.0.1:8443'],
            }),
          ),
        },
        { ...closed, description: 'The HTTP server.' },
      ),
    ),
    media: Type.Optional(
      Type.Object(
        {
          address: Type.Optional(
            Type.Union([ip, Type.Array(ip, { maxItems: 64 })], {
              default: [],
              description:
                'The address or addresses audio and video are received on, at most one of a family being announced to a phone. Without it, the address by which each phone reaches us.',
              examples: ['192.0.2.10'],
            }),
          ),
          ports: Type.Optional(
            text(
              'port-range',
              'UDP ports for audio and video: a call between two phones takes 4 (RTP and RTCP on either side).',
              {
                default: '30000-30999',
                examples: ['30000-30999'],
              },
            ),
          ),
          idleSeconds: count(30, 5, 86_400, 'A stream that has been silent for so long is reported as idle.'),
          orphanSeconds: count(
            300,
            10,
            86_400,
            'A call whose signalling is gone is ended once it has been silent for so long; one that is talked in goes on.',
          ),
        },
        { ...closed, description: 'Audio and video.' },
      ),
    ),
    trusted: Type.Optional(
      Type.Array(text('network', 'One network.'), {
        default: [],
        maxItems: 10_000,
        description: 'Networks (IPv4 and IPv6) whose requests need no credentials.',
        examples: [['192.0.2.0/24', '2001:db8::/32']],
      }),
    ),
    auth: Type.Optional(
      Type.Object(
        {
          algorithms: Type.Optional(
            algorithms(
              'Digest algorithms devices are asked for, in order of preference. MD5 alone by default: many desk phones know no other and refuse a list that has one (RFC 8760). Name better ones here, or for each person, where the phones know them.',
              { default: ['MD5'], examples: [['SHA-256', 'MD5']] },
            ),
          ),
        },
        { ...closed, description: 'Proof of who is there.' },
      ),
    ),
    people: Type.Optional(
      Type.Array(person, {
        default: [],
        maxItems: 10_000,
        description:
          'People declared here. They are applied at each start and are read-only in the console; one who leaves the file is disabled and keeps their data.',
        examples: [[{ name: 'Alice', extension: '1001', password: 'alice-secret-1' }]],
      }),
    ),
    log: Type.Optional(
      Type.Object(
        {
          level: Type.Optional(
            Type.Enum([...LOG_LEVELS], { default: 'info', description: 'The least severity that is written.' }),
          ),
        },
        { ...closed, description: 'The log, one JSON event a line on standard output.' },
      ),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          transactions: count(
            200_000,
            100,
            // Places that the stack's tables have (packages/sip, `MAX_SLOTS`), rounded.
            4_000_000,
            'SIP transactions alive at once; beyond it new requests are answered 503.',
          ),
          calls: count(20_000, 1, 1_000_000, 'Calls at once; beyond it a call is answered 503.'),
          bindings: count(500_000, 1, 10_000_000, 'Registered contacts in all.'),
          connections: count(20_000, 1, 1_000_000, 'Stream connections (TCP, TLS, WebSocket) at once.'),
          requestsPerSecond: count(5000, 1, 1_000_000, 'New requests a second from one address that is not trusted.'),
          failuresPerMinute: count(
            30,
            1,
            100_000,
            'Failed authentications a minute from one address before it is left unanswered for a while.',
          ),
        },
        { ...closed, description: 'Bounds: what may be used at most, by all or by one.' },
      ),
    ),
    registrar: Type.Optional(
      Type.Object(
        {
          minExpires: count(60, 1, 86_400, 'Seconds. A shorter registration is answered 423 (RFC 3261 §10.3).'),
          maxExpires: count(7200, 60, 604_800, 'Seconds. A longer registration is cut to this.'),
          defaultExpires: count(3600, 60, 604_800, 'Seconds. For a registration that names none.'),
          maxBindings: count(10, 1, 100, 'Contacts of one address of record.'),
        },
        { ...closed, description: 'Registration.' },
      ),
    ),
    calls: Type.Optional(
      Type.Object(
        {
          ringSeconds: count(60, 5, 600, 'How long a phone rings before the caller is told that nobody answers (480).'),
          maxSeconds: count(14_400, 60, 604_800, 'The longest a call may last.'),
        },
        { ...closed, description: 'Calls.' },
      ),
    ),
    durability: Type.Optional(
      Type.Enum(['process', 'disk'], {
        default: 'process',
        description:
          'What a registration that was answered 200 survives: `process`, the death of every process; `disk`, loss of power too, at one disk flush per batch of requests.',
      }),
    ),
  },
  {
    ...closed,
    $id: 'https://strowger.example/config.schema.json',
    title: 'Strowger configuration',
    description: 'Every key is optional: without a file Strowger starts with the defaults below.',
  },
);
