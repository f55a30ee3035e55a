/** ARCHITECTURE.md's table of layers as data: which folder may import what. */

/** One folder (`*` stands for one path segment) and what it may import besides itself. First match wins. */
export interface Rule {
  readonly folder: string;
  readonly layer: string;
  /** Folders or files of this repository, `node:` (all or one module), or `npm:NAME`. */
  readonly may: readonly string[];
}

const PROTO = 'packages/proto/src';
const SDP = 'packages/sdp/src';
/** L1 of SIP, with the errors every folder of the package may throw. */
const SIP_WIRE = ['packages/sip/src/message', 'packages/sip/src/registry', 'packages/sip/src/errors.ts'];
const SIP_MACHINES = ['packages/sip/src/auth', 'packages/sip/src/transport', 'packages/sip/src/transaction'];
const SIP_CORES = ['dialog', 'event', 'ua', 'proxy', 'stack'].map((name) => `packages/sip/src/${name}`);
const RTP_WIRE = ['packages/rtp/src/packet', 'packages/rtp/src/codec'];
/** L0 to L3½: what knows neither Node nor the DOM. */
const LIBRARIES = [PROTO, SDP, 'packages/sip/src', 'packages/nat/src', 'packages/rtp/src'];
const HOSTS = ['packages/node/src', 'packages/native/src'];
const KERNEL = ['kernel', 'storage', 'config', 'media', 'http'].map((name) => `server/src/${name}`);
const ALL = ['packages', 'server/src', 'tests', 'tools', 'bench', 'node:', 'npm:'];

const sipMachine = (name: string): Rule => ({
  folder: `packages/sip/src/${name}`,
  layer: 'L2',
  may: [PROTO, ...SIP_WIRE],
});

const sipCore = (folder: string): Rule => ({
  folder,
  layer: 'L3',
  may: [PROTO, SDP, ...SIP_WIRE, ...SIP_MACHINES, ...SIP_CORES],
});

const kernel = (name: string, ...npm: readonly string[]): Rule => ({
  folder: `server/src/${name}`,
  layer: 'L5',
  may: [...LIBRARIES, ...HOSTS, ...KERNEL, 'node:', ...npm.map((each) => `npm:${each}`)],
});

/** A folder that stands in no rule is an error: whoever adds one says here where it belongs. */
export const RULES: readonly Rule[] = [
  { folder: PROTO, layer: 'L0', may: [] },

  { folder: 'packages/sip/src/errors.ts', layer: 'L0', may: [] },
  { folder: 'packages/sip/src/registry', layer: 'L1', may: [PROTO] },
  { folder: 'packages/sip/src/message', layer: 'L1', may: [PROTO, ...SIP_WIRE] },
  { folder: SDP, layer: 'L1', may: [PROTO] },
  { folder: 'packages/nat/src/stun', layer: 'L1', may: [PROTO] },
  { folder: 'packages/rtp/src/packet', layer: 'L1', may: [PROTO] },
  { folder: 'packages/rtp/src/codec', layer: 'L1', may: [PROTO] },

  sipMachine('auth'),
  sipMachine('transport'),
  sipMachine('transaction'),
  ...SIP_CORES.map(sipCore),
  { folder: 'packages/sip/src/endpoint', layer: 'L3½', may: [PROTO, SDP, ...SIP_WIRE, ...SIP_MACHINES, ...SIP_CORES] },
  { folder: 'packages/sip/src/index.ts', layer: 'door', may: ['packages/sip/src'] },

  { folder: 'packages/nat/src/index.ts', layer: 'door', may: ['packages/nat/src'] },
  { folder: 'packages/nat/src/*', layer: 'L2', may: [PROTO, 'packages/nat/src/stun'] },
  { folder: 'packages/rtp/src/index.ts', layer: 'door', may: ['packages/rtp/src'] },
  { folder: 'packages/rtp/src/*', layer: 'L2', may: [PROTO, ...RTP_WIRE] },

  { folder: 'packages/native', layer: 'L4', may: [...LIBRARIES, 'node:'] },
  { folder: 'packages/node/src', layer: 'L4', may: [...LIBRARIES, 'packages/native/src', 'node:'] },
  { folder: 'packages/web/src', layer: 'L4', may: LIBRARIES },
  { folder: 'packages/testkit/src', layer: 'L4', may: LIBRARIES },

  kernel('kernel', 'pino', 'typebox'),
  kernel('storage', 'kysely'),
  kernel('config', 'yaml', 'typebox'),
  kernel('media'),
  kernel('http'),
  {
    folder: 'server/src/modules/*',
    layer: 'L6',
    may: [...LIBRARIES, ...KERNEL, 'server/src/modules/*/api.ts', 'node:crypto', 'npm:kysely', 'npm:typebox'],
  },
  { folder: 'server/src/boot', layer: 'L7', may: ALL },
  { folder: 'server/src/main.ts', layer: 'L7', may: ALL },
  { folder: 'cli/src', layer: 'L7', may: ALL },

  { folder: 'tests', layer: 'tests', may: ALL },
  { folder: 'bench', layer: 'tests', may: ALL },
  { folder: 'fuzz', layer: 'tests', may: ALL },
  { folder: 'examples', layer: 'examples', may: ['packages', 'node:'] },
  { folder: 'tools', layer: 'tools', may: ['node:', 'packages', 'server/src/config'] },
];

/** What a file of tests may import besides what its folder may. */
export const TESTS_MAY: readonly string[] = ['packages', 'node:', 'npm:fast-check'];
