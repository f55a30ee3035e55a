/**
 * Strowger: `node server/src/main.ts [--data DIR] [--config FILE] [--demo]`. The supervisor: keeps the data folder,
 * starts the media and the signalling process, starts again what dies, and ends both in order. It does nothing else, so
 * that nothing can bring it down.
 */
import { existsSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from '@strowger/node';
import { ensureCertificate } from './boot/certificate.ts';
import { openDataFolder } from './boot/data-folder.ts';
import { type DemoPerson, demoFile, demoPeople } from './boot/demo.ts';
import { greet } from './boot/greeting.ts';
import { Supervisor } from './boot/supervisor.ts';
import { loadConfig } from './config/load.ts';
import { formatProblem } from './config/problem.ts';
import type { Config } from './config/schema.ts';

const USAGE = `Usage: npm start -- [options]

  --data DIR      where everything is kept (default ./data; made if missing)
  --config FILE   the configuration, YAML (default: none, with sensible defaults)
  --demo          adds two people, and prints what to type into their phones
  --help          this text

docs/configuration.md has every key of the configuration.`;

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'number') return options;
  const read = loadConfig(options.config, { hostname: hostname() });
  if (!read.ok) {
    console.error(`${options.config ?? 'the configuration'} cannot be used:\n`);
    for (const problem of read.problems)
      console.error(`  ${formatProblem(options.config ?? 'configuration', problem)}`);
    console.error('\nNothing was started. docs/configuration.md has every key.');
    return 2;
  }
  const folder = openDataFolder(options.data);
  const demo: readonly DemoPerson[] = options.demo ? demoPeople(folder, read.config.people) : [];
  const config: Config = { ...read.config, people: [...read.config.people, ...demo] };
  const addresses = [...config.listen, ...config.http.listen].map(({ address }) => address);
  const certificate = ensureCertificate({
    folder: folder.paths.tls,
    domain: config.domain,
    addresses,
    now: systemClock.wall(),
  });
  const supervisor = new Supervisor({ paths: folder.paths, config });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => supervisor.stop(signal));
  supervisor.onReady((ready) => {
    flushCompileCache();
    const hadDemo = existsSync(demoFile(folder.paths));
    greet({ ready, config, demo, hadDemo, folder, fingerprint: certificate.fingerprint });
    if (ready.administrator) supervisor.announced();
  });
  try {
    return await supervisor.run();
  } finally {
    folder.release();
  }
}

function readOptions(): { data: string; config: string | undefined; demo: boolean } | number {
  try {
    const { values } = parseArgs({
      options: {
        data: { type: 'string', default: './data' },
        config: { type: 'string' },
        demo: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.data === '') throw new Error('--data names no folder');
    if (!values.help) return { data: values.data, config: values.config, demo: values.demo };
    console.log(USAGE);
    return 0;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`Strowger cannot start: ${explain(error)}`);
  process.exitCode = 1;
}
