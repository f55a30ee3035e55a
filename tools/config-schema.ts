/** Writes docs/config.schema.json and docs/configuration.md from the configuration's schema; a test holds them current. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatJsonSchema, formatReference } from '../server/src/config/document.ts';

const docs = join(import.meta.dirname, '..', 'docs');
mkdirSync(docs, { recursive: true });
writeFileSync(join(docs, 'config.schema.json'), formatJsonSchema());
writeFileSync(join(docs, 'configuration.md'), formatReference());
