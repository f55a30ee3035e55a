/** A signalling process in small, to be killed: sets up one bridge, says where, and goes on. */
import { MediaClient } from '../../server/src/media/client.ts';

const [path = '', request = '{}'] = process.argv.slice(2);
const { allocate, connects } = JSON.parse(request);
const client = new MediaClient({ path });
client.onEvent(async (event) => {
  if (event.kind !== 'up') return;
  const local = await client.allocate(allocate);
  for (const connect of connects) await client.connect(connect);
  process.stdout.write(`${JSON.stringify(local)}\n`);
});
