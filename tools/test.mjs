/** `npm test`: sets the checkout up where needed, then runs every check and test. */
import { run } from './setup/run.mjs';

await run('tools/test/main.ts', process.argv.slice(2));
