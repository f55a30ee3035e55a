/** From the configuration file to a complete, typed, frozen `Config`, or to the list of what is wrong with it. */
import { readFileSync, statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { isScalar, LineCounter, parseDocument } from 'yaml';
import { checkConfig } from './check.ts';
import {
  type HttpListener,
  type Listener,
  type Network,
  type Read,
  readAddress,
  readHttpListener,
  readListener,
  readNetwork,
  readPortRange,
} from './network.ts';
import { type ConfigProblem, formatProblem } from './problem.ts';
import { type Formats, NodeReader, type Schema } from './read-node.ts';
import { type Config, configSchema, type DeclaredPerson } from './schema.ts';

export type ConfigOutcome =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** What of the machine the defaults depend on. */
export interface ConfigSurroundings {
  readonly hostname: string;
}

const MAX_BYTES = 4 * 1024 * 1024;
const schema = configSchema as Schema;

const problemOf = (read: (text: string) => Read<unknown>) => (text: string) => {
  const result = read(text);
  return 'problem' in result ? result.problem : undefined;
};

const FORMATS: Formats = {
  listener: problemOf(readListener),
  'http-listener': problemOf(readHttpListener),
  address: problemOf(readAddress),
  network: problemOf(readNetwork),
  'port-range': problemOf(readPortRange),
};

/** Raised by `loadConfigOrThrow`; `problems` says all that is wrong, the message all of it in lines. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => formatProblem(file, problem)).join('\n'));
    this.problems = problems;
  }
}

/** Reads `file`; without one, the defaults. */
export function loadConfig(file: string | undefined, surroundings: ConfigSurroundings): ConfigOutcome {
  if (file === undefined) return parseConfig('', surroundings);
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES)
      return refused('CONFIG_TOO_LARGE', `the file has ${size} bytes, ${MAX_BYTES} at most are read`);
    const bytes = readFileSync(file);
    return parseConfig(new TextDecoder('utf-8', { fatal: true }).decode(bytes), surroundings);
  } catch (cause) {
    if (cause instanceof TypeError) return refused('CONFIG_SYNTAX', 'the file is not UTF-8');
    return refused('CONFIG_UNREADABLE', `cannot be read: ${(cause as Error).message}`);
  }
}

export function loadConfigOrThrow(file: string | undefined, surroundings: ConfigSurroundings): Config {
  const outcome = loadConfig(file, surroundings);
  if (outcome.ok) return outcome.config;
  throw new ConfigError(file ?? 'configuration', outcome.problems);
}

/** The file's text to a `Config`. Pure. */
export function parseConfig(text: string, surroundings: ConfigSurroundings): ConfigOutcome {
  if (text.length > MAX_BYTES)
    return refused('CONFIG_TOO_LARGE', `${text.length} characters, ${MAX_BYTES} at most are read`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
  });
  if (document.errors.length > 0)
    return { ok: false, problems: document.errors.slice(0, 10).map((e) => syntaxProblem(e, lines)) };

  const reader = new NodeReader(document, lines, FORMATS);
  const { contents } = document;
  const empty = contents === null || (isScalar(contents) && contents.value === null);
  const given = empty ? {} : reader.read(schema, contents, '');
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems };
  const config = complete(given as Given, surroundings);
  checkConfig(config, (code, path, message) => reader.report(code, path, undefined, message));
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems };
  return { ok: true, config: deepFreeze(config) };
}

function syntaxProblem(error: { pos: readonly number[]; message: string }, lines: LineCounter): ConfigProblem {
  const { line, col } = lines.linePos(error.pos[0] ?? 0);
  return { code: 'CONFIG_SYNTAX', path: '', line, column: col, message: `not YAML: ${error.message.split('\n')[0]}` };
}

function refused(code: ConfigProblem['code'], message: string): ConfigOutcome {
  return { ok: false, problems: [{ code, path: '', line: 0, column: 0, message }] };
}

/** The file's own shape, after validation. */
interface Given {
  readonly domain?: string;
  readonly aliases: readonly string[];
  readonly listen: readonly string[];
  readonly http: { readonly listen: string | readonly string[] };
  readonly media: {
    readonly address: string | readonly string[];
    readonly ports: string;
    readonly idleSeconds: number;
    readonly orphanSeconds: number;
  };
  readonly trusted: readonly string[];
  readonly auth: Config['auth'];
  readonly people: readonly (Omit<DeclaredPerson, 'extension'> & { readonly extension: string | number })[];
  readonly log: Config['log'];
  readonly limits: Config['limits'];
  readonly registrar: Config['registrar'];
  readonly calls: Config['calls'];
  readonly durability: Config['durability'];
}

function complete(file: object, { hostname }: ConfigSurroundings): Config {
  const all = withDefaults(schema, file) as Given;
  return {
    domain: (all.domain ?? defaultDomain(hostname)).toLowerCase(),
    aliases: all.aliases.map((name) => name.toLowerCase()),
    listen: all.listen.map((url) => value<Listener>(readListener(url))),
    http: { listen: list(all.http.listen).map((url) => value<HttpListener>(readHttpListener(url))) },
    media: {
      addresses: list(all.media.address),
      ports: value(readPortRange(all.media.ports)),
      idleSeconds: all.media.idleSeconds,
      orphanSeconds: all.media.orphanSeconds,
    },
    trusted: all.trusted.map((network) => value<Network>(readNetwork(network))),
    auth: all.auth,
    people: all.people.map((person) => ({ ...person, extension: String(person.extension) })),
    log: all.log,
    limits: all.limits,
    registrar: all.registrar,
    calls: all.calls,
    durability: all.durability,
    given: Object.keys(file),
  };
}

/** Fills in what was left out, key by key, from the schema's own defaults. */
function withDefaults(by: Schema, given: unknown): unknown {
  if (by.type !== 'object') return given === undefined ? by.default : given;
  const out: Record<string, unknown> = { ...(given as object | undefined) };
  for (const [key, inner] of Object.entries(by.properties ?? {})) {
    const filled = withDefaults(inner, out[key]);
    if (filled !== undefined) out[key] = filled;
  }
  return out;
}

/** A full host name is a domain people can use; a bare one resolves nowhere else. */
function defaultDomain(hostname: string): string {
  const sound = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9-]{1,63})+$/.test(hostname) && !isIPv6(hostname);
  return sound ? hostname : 'localhost';
}

const list = (one: string | readonly string[]): readonly string[] => (typeof one === 'string' ? [one] : one);

function value<T>(read: Read<T>): T {
  if ('problem' in read) throw new Error(`validated, and yet: ${read.problem}`);
  return read.value;
}

function deepFreeze<T>(data: T): T {
  if (typeof data === 'object' && data !== null && !Object.isFrozen(data)) {
    Object.freeze(data);
    for (const inner of Object.values(data)) deepFreeze(inner);
  }
  return data;
}
