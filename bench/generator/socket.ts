/** A UDP socket of the generator: texts in and out, nothing between. */
import { createSocket } from 'node:dgram';
import type { Place } from './job.ts';

export interface Wire {
  readonly here: Place;
  send(text: string): void;
  close(): void;
}

export async function openWire(server: Place, onText: (text: string) => void): Promise<Wire> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  await new Promise<void>((resolve) => socket.bind(0, server.address, resolve));
  socket.connect(server.port, server.address);
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.on('message', (bytes) => onText(bytes.toString('latin1')));
  // A server that is being stopped refuses; what is lost is sent again, or counted as failed.
  socket.on('error', () => {});
  const { address, port } = socket.address();
  return {
    here: { address, port },
    send: (text) => socket.send(Buffer.from(text, 'latin1')),
    close: () => socket.close(),
  };
}
