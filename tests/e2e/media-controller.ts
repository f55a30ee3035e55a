/** A signalling process in small, to be killed: sets up one bridge, says where, and goes on. */
import { MediaClient } from '../../server/src/media/client.ts';
import type { AllocateRequest, ConnectRequest } from '../../server/src/media/port.ts';

const [path = '', request = '{}'] = process.argv.slice(2);
const { allocate, connects } = JSON.parse(request) as {
  readonly allocate: AllocateRequest;
  readonly connects: readonly ConnectRequest[];
};
const client = new MediaClient({ path });
await new Promise<void>((resolve) => client.onEvent(({ kind }) => kind === 'up' && resolve()));
const local = await client.allocate(allocate);
for (const connect of connects) await client.connect(connect);
process.stdout.write(`${JSON.stringify(local)}\n`);
