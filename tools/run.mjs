/** `node tools/run.mjs FILE …`: any TypeScript file of the repository on the pinned Node. */
import { run } from './setup/run.mjs';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error('Usage: node tools/run.mjs FILE.ts [arguments]');
  process.exitCode = 2;
} else {
  await run(file, args);
}
