/** `npm start`: sets the checkout up where needed, then runs the server. */
import { run } from './setup/run.mjs';

await run('server/src/main.ts', process.argv.slice(2));
