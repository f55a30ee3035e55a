/** The two documents that are made from the schema: the published JSON Schema, and the reference for people. */
import type { Schema } from './read-node.ts';
import { configSchema } from './schema.ts';

const schema = configSchema as Schema;

/** `docs/config.schema.json`: for editors that complete and check YAML by a schema. */
export function formatJsonSchema(): string {
  const published = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: schema.title,
    description: schema.description,
    ...(JSON.parse(JSON.stringify(schema, withoutOwnFormats)) as object),
  };
  return `${JSON.stringify(published, null, 2)}\n`;
}

/** Our formats mean nothing to other validators, and some of them warn at unknown ones. */
function withoutOwnFormats(this: unknown, key: string, value: unknown): unknown {
  return key === 'format' && typeof value === 'string' ? undefined : value;
}

/** `docs/configuration.md`. */
export function formatReference(): string {
  const parts = [
    '# Configuration',
    '<!-- Made by tools/config-schema.ts from server/src/config/schema.ts: change it there. -->',
    [
      '`npm start -- --config FILE` reads one YAML file. Every key is optional; without a file all defaults apply.',
      'An unknown key, a wrong type or a value that cannot be is an error that names its line, and nothing is started.',
      'Editors complete and check the file with `docs/config.schema.json`: put',
      '`# yaml-language-server: $schema=./config.schema.json` in its first line.',
    ].join('\n'),
    section('', schema),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(path: string, object: Schema): string {
  const rows: string[] = [];
  const inner: string[] = [];
  for (const [key, value] of Object.entries(object.properties ?? {})) {
    const at = path === '' ? key : `${path}.${key}`;
    if (value.type === 'object') {
      inner.push(`## \`${at}\`\n\n${value.description ?? ''}\n\n${section(at, value)}`);
      continue;
    }
    rows.push(row(at, value, object.required?.includes(key) ?? false));
    if (value.items?.type === 'object') {
      inner.push(`## \`${at}[]\`\n\n${value.items.description ?? ''}\n\n${section(`${at}[]`, value.items)}`);
    }
  }
  const table =
    rows.length === 0
      ? []
      : [['| key | type | default | meaning | example |', '|---|---|---|---|---|', ...rows].join('\n')];
  return [...table, ...inner].join('\n\n');
}

function row(path: string, schema: Schema, required: boolean): string {
  const { description = '', examples, default: fallback } = schema;
  const example = examples?.[0] ?? fallback;
  const cells = [
    `\`${path}\``,
    type(schema),
    required ? 'required' : fallback === undefined ? '—' : code(fallback),
    description,
    example === undefined ? '' : code(example),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function type(schema: Schema): string {
  if (schema.enum) return schema.enum.map((one) => `\`${one}\``).join(', ');
  if (schema.anyOf) return schema.anyOf.map(type).join(' or ');
  if (schema.type === 'array') return schema.items?.type === 'object' ? 'list' : `list of ${type(schema.items ?? {})}`;
  if (schema.type === 'integer') {
    return schema.maximum === undefined ? 'whole number' : `whole number, ${schema.minimum ?? 0}–${schema.maximum}`;
  }
  return (
    {
      listener: 'listener URL',
      'http-listener': 'http(s) URL',
      address: 'IP address',
      network: 'network',
      'port-range': 'range of ports',
    }[schema.format ?? ''] ?? 'text'
  );
}

const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
