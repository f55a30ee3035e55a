/**
 * Reads a YAML node by a JSON Schema, on the syntax tree itself: so that each mistake has its line and column, `0100` is
 * seen as it was written, and an alias is followed within a budget instead of being multiplied out.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from 'yaml';
import { type ConfigCode, type ConfigProblem, nearestName } from './problem.ts';

/** The part of JSON Schema that the configuration is written in. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

/** What checks and names a `format`: undefined when the text is right, else what is wrong. */
export type Formats = Readonly<Record<string, (text: string) => string | undefined>>;

/** Each alias may be followed, but all of them together not further than this: ten lines of YAML can name a billion nodes. */
const MAX_NODES = 250_000;
const MAX_PROBLEMS = 50;

/** A pass over one document, collecting what is wrong and where each value stands. */
export class NodeReader {
  readonly problems: ConfigProblem[] = [];
  readonly #anchors: ReadonlyMap<string, readonly Node[]>;
  readonly #lines: LineCounter;
  readonly #formats: Formats;
  readonly #places = new Map<string, number>();
  #budget = MAX_NODES;

  constructor(document: Document, lines: LineCounter, formats: Formats) {
    this.#anchors = anchorsOf(document);
    this.#lines = lines;
    this.#formats = formats;
  }

  /** The value as plain data, without defaults; `undefined` where it was wrong. */
  read(schema: Schema, node: Node | null | undefined, path: string): unknown {
    this.#budget -= 1;
    if (this.#budget < 0) {
      if (this.#budget === -1)
        this.report('CONFIG_TOO_LARGE', path, node, `more than ${MAX_NODES} values, counting what aliases repeat`);
      return undefined;
    }
    if (node?.range) this.#places.set(path, node.range[0]);
    if (isAlias(node)) return this.#alias(schema, node, path);
    const fitting = this.#branch(schema, node);
    if (fitting === undefined) return this.#wrongType(schema, node, path);
    switch (fitting.type) {
      case 'object':
        return isMap(node) ? this.#object(fitting, node, path) : undefined;
      case 'array':
        return isSeq(node) ? this.#array(fitting, node.items as (Node | null)[], path) : undefined;
      default:
        return isScalar(node) ? this.#scalar(fitting, node.value, node, path) : undefined;
    }
  }

  /** Records a mistake at a node, or at the value that was read for `path`. */
  report(code: ConfigCode, path: string, node: Node | null | undefined, message: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const offset = node?.range?.[0] ?? this.#nearestPlace(path);
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ code, path, line, column: col, message });
  }

  #nearestPlace(path: string): number {
    for (let at = path; at !== ''; at = at.replace(/(?:\.[^.[\]]*|\[\d+\]|^[^.[\]]+)$/, '')) {
      const place = this.#places.get(at);
      if (place !== undefined) return place;
    }
    return this.#places.get('') ?? 0;
  }

  #alias(schema: Schema, alias: Alias, path: string): unknown {
    const before = alias.range?.[0] ?? 0;
    // An anchor may be set again; an alias means the last one before it, and never what it stands inside of.
    const target = this.#anchors.get(alias.source)?.findLast(({ range }) => range != null && range[1] <= before);
    if (target === undefined) {
      this.report('CONFIG_SYNTAX', path, alias, `the alias *${alias.source} has no anchor that ends before it`);
      return undefined;
    }
    return this.read(schema, target, path);
  }

  #branch(schema: Schema, node: Node | null | undefined): Schema | undefined {
    const branches = schema.anyOf ?? [schema];
    const kind = kindOf(node);
    return branches.find((b) => (b.enum ? kind === 'string' : b.type === kind));
  }

  #wrongType(schema: Schema, node: Node | null | undefined, path: string): undefined {
    const found = describe(node);
    this.report('CONFIG_WRONG_TYPE', path, node, `expected ${expectation(schema)}, found ${found}`);
  }

  #object(schema: Schema, map: YAMLMap, path: string): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    const known = schema.properties ?? {};
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '?';
      const at = path === '' ? key : `${path}.${key}`;
      const inner = Object.hasOwn(known, key) ? known[key] : undefined;
      if (inner === undefined) this.#unknownKey(key, Object.keys(known), path, pair.key);
      // `people:` with nothing after it is the same as leaving it out.
      else if (isEmpty(pair.value) && !schema.required?.includes(key)) this.#places.set(at, pair.key.range?.[0] ?? 0);
      else {
        const value = this.read(inner, pair.value ?? pair.key, at);
        if (value !== undefined) out[key] = value;
        else out[key] = INVALID;
      }
    }
    for (const key of schema.required ?? []) {
      if (!(key in out)) this.report('CONFIG_MISSING_KEY', path, map, `lacks \`${key}\``);
    }
    return out;
  }

  #unknownKey(key: string, known: readonly string[], path: string, node: Node): void {
    if (key === '<<') {
      this.report(
        'CONFIG_UNKNOWN_KEY',
        path,
        node,
        'merge keys (<<) are not read: write the keys out, or use an alias for the whole value',
      );
      return;
    }
    const near = nearestName(key, known);
    const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${near}\`?`;
    this.report('CONFIG_UNKNOWN_KEY', path, node, `unknown key \`${key.slice(0, 60)}\`: ${hint}`);
  }

  #array(schema: Schema, items: readonly (Node | null)[], path: string): unknown[] {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
    if (items.length < minItems) this.report('CONFIG_BAD_VALUE', path, undefined, `needs at least ${minItems}`);
    if (items.length > maxItems) {
      this.report('CONFIG_TOO_LARGE', path, undefined, `takes at most ${maxItems}, found ${items.length}`);
      return [];
    }
    return items.map((item, i) => this.read(schema.items ?? {}, item, `${path}[${i}]`));
  }

  #scalar(schema: Schema, value: unknown, node: Node, path: string): unknown {
    if (schema.enum) return this.#oneOf(schema.enum, String(value), node, path);
    if (typeof value === 'number') {
      const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
      const source = (node as { source?: string }).source ?? String(value);
      // A bare 0100 or 1e3 is not the number its writer sees; nothing here is worth guessing.
      if (!/^(?:0|-?[1-9]\d{0,14})$/.test(source)) {
        return this.#bad(
          path,
          node,
          `write ${source.slice(0, 20)} as a plain number, or quote it ("${source.slice(0, 20)}") if its zeros matter`,
        );
      }
      if (value < minimum || value > maximum)
        return this.#bad(path, node, `${value} is not between ${minimum} and ${maximum}`);
      return value;
    }
    return typeof value === 'string' ? this.#text(schema, value, node, path) : value;
  }

  #oneOf(values: readonly string[], value: string, node: Node, path: string): unknown {
    if (values.includes(value)) return value;
    const near = nearestName(value, values);
    return this.#bad(
      path,
      node,
      `expected one of ${values.join(', ')}, found "${value.slice(0, 40)}"${near ? `: did you mean \`${near}\`?` : ''}`,
    );
  }

  #text(schema: Schema, value: string, node: Node, path: string): unknown {
    const { minLength = 0, maxLength = 4096 } = schema;
    if (value.length < minLength) return this.#bad(path, node, `needs at least ${minLength} characters`);
    if (value.length > maxLength) return this.#bad(path, node, `takes at most ${maxLength} characters`);
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      // The value is not shown: a password has a pattern too.
      return this.#bad(path, node, `holds characters it may not hold (${schema.pattern})`);
    }
    const problem = schema.format === undefined ? undefined : this.#formats[schema.format]?.(value);
    return problem === undefined ? value : this.#bad(path, node, problem);
  }

  #bad(path: string, node: Node, message: string): undefined {
    this.report('CONFIG_BAD_VALUE', path, node, message);
  }
}

/** All anchors in one walk: the library's own look-up walks the document again for each alias. */
function anchorsOf(document: Document): Map<string, Node[]> {
  const anchors = new Map<string, Node[]>();
  visit(document, {
    Value(_key, node) {
      if (node.anchor === undefined) return;
      const same = anchors.get(node.anchor);
      if (same) same.push(node);
      else anchors.set(node.anchor, [node]);
    },
  });
  return anchors;
}

/** Stands where a key was given but wrong, so that it is neither missing nor filled with its default. */
const INVALID: unique symbol = Symbol('invalid');

type Kind = Schema['type'] | 'null' | 'float';

function kindOf(node: Node | null | undefined): Kind {
  if (isMap(node)) return 'object';
  if (isSeq(node)) return 'array';
  if (!isScalar(node)) return 'null';
  switch (typeof node.value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'number':
      return Number.isInteger(node.value) ? 'integer' : 'float';
    default:
      return 'null';
  }
}

const isEmpty = (node: Node | null | undefined): boolean => node == null || (isScalar(node) && node.value === null);

const WORDS: Readonly<Record<string, string>> = {
  object: 'keys and values',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'nothing',
  float: 'a number with a fraction',
};

function expectation(schema: Schema): string {
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  const kinds = (schema.anyOf ?? [schema]).map((branch) => WORDS[branch.type ?? 'null'] ?? 'a value');
  return [...new Set(kinds)].join(' or ');
}

function describe(node: Node | null | undefined): string {
  return WORDS[kindOf(node) ?? 'null'] ?? 'something else';
}
