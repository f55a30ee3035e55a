/** `npm run new-module NAME`: writes the folder of a feature, in the anatomy that every feature has. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHAPTERS } from './lint/rules.ts';

/** The files of a new module by name. */
export function moduleFiles(name: string): Readonly<Record<string, string>> {
  const camel = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const pascal = `${camel.slice(0, 1).toUpperCase()}${camel.slice(1)}`;
  return {
    'module.ts': `/** Says in one sentence what ${name} does, and by which RFC. */
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { ${camel}, type ${pascal}Service } from './api.ts';
import { decide } from './decide.ts';

export const ${camel}Module: ServerModule = defineModule({
  name: '${name}',
  needs: [],
  offers: [${camel}],

  setup(context) {
    const service: ${pascal}Service = { decide: (input) => decide(input, context.clock.wall()) };
    context.provide(${camel}, service);
  },
});
`,
    'api.ts': `/** All that other modules may see of ${name}. */
import { type ServiceKey, serviceKey } from '../../kernel/module.ts';
import type { ${pascal}Input, ${pascal}Verdict } from './decide.ts';

export type { ${pascal}Input, ${pascal}Verdict } from './decide.ts';

/** What ${name} does for others. */
export interface ${pascal}Service {
  decide(input: ${pascal}Input): ${pascal}Verdict;
}

export const ${camel}: ServiceKey<${pascal}Service> = serviceKey('${name}');
`,
    'decide.ts': `/** The decision as a function of data: no storage, no clock, no I/O. */
import type { Wall } from '@strowger/proto';

/** What the decision is made on. */
export interface ${pascal}Input {
  readonly extension: string;
}

/** What was decided, with the reason code that the call's trace shows. */
export interface ${pascal}Verdict {
  readonly code: '${name}-passed';
  readonly at: Wall;
}

/** Decides; every outcome has a reason code. */
export function decide(_input: ${pascal}Input, now: Wall): ${pascal}Verdict {
  return { code: '${name}-passed', at: now };
}
`,
    'decide.test.ts': `import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asWall } from '@strowger/proto';
import { decide } from './decide.ts';

suite('${name}', () => {
  test('what it decides, and why', () => {
    assert.deepEqual(decide({ extension: '1001' }, asWall(5)), { code: '${name}-passed', at: 5 });
  });
});
`,
    'README.md': `# ${name}\n\n${CHAPTERS.map(chapter).join('\n\n')}\n`,
  };
}

const HINTS: Readonly<Record<string, string>> = {
  Purpose: 'What it does, and for whom.',
  'Needs and offers': 'Services it needs, services it offers, what happens when an optional one is absent.',
  Configuration: '| key | type | default | example |\n|---|---|---|---|',
  'SIP behaviour': 'By RFC clause; or: none.',
  'HTTP API': 'None yet.',
  'Events and metrics': 'Reason codes, counters, log events.',
  Limits: 'Every bound: its cap, what happens when it is full, its metric.',
};

const chapter = (title: string): string => `## ${title}\n\n${HINTS[title] ?? ''}`;

function main(): void {
  const name = process.argv[2];
  if (name === undefined || !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    console.error('Usage: npm run new-module NAME      (kebab-case, such as voicemail or call-queue)');
    process.exitCode = 2;
    return;
  }
  const folder = join(import.meta.dirname, '../server/src/modules', name);
  if (existsSync(folder)) {
    console.error(`server/src/modules/${name} is there already; nothing was written.`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(moduleFiles(name))) writeFileSync(join(folder, file), text);
  // Names differ in length, and so do line breaks and the order of imports.
  spawnSync(join(import.meta.dirname, '../node_modules/.bin/biome'), ['check', '--write', folder], { stdio: 'ignore' });
  console.log(
    `Wrote server/src/modules/${name}/. Add its line to server/src/boot/modules.ts, and replace the sample decision.`,
  );
}

if (import.meta.main) main();
