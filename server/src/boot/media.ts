/**
 * The media process: `node server/src/boot/media.ts --data DIR [--options JSON]`, the options also in STROWGER_MEDIA.
 * The supervisor starts it, with an IPC channel if it likes: `ready` goes over it, and with its end this process ends.
 * Signalling talks to it over DIR/run/media.sock and may die as it pleases. Writes nothing but log lines.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { createTicker, createUdpSet, systemClock, systemRandom } from '@strowger/node';
import { randomHex, TimerWheel } from '@strowger/proto';
import { type ControlServer, listenForControl } from '../media/control-server.ts';
import { MediaServer } from '../media/media-server.ts';
import { type MediaOptions, parseOptions } from '../media/options.ts';
import { openSocketPath } from '../media/socket-path.ts';
import { createLog } from './log.ts';

const logger = createLog('info', 'media');
const log = (event: string, fields: Readonly<Record<string, unknown>> = {}): void => logger.info(event, fields);

async function main(): Promise<void> {
  // Whoever can command media can listen in on every call: the socket is for this user alone.
  process.umask(0o077);
  // A supervisor that was killed leaves a broken pipe; there is nobody to tell.
  process.stdout.on('error', () => {});
  const { data, options } = readArguments();
  const folder = join(data, 'run');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'media.sock');
  await removeStale(path);

  const wheel = new TimerWheel(systemClock.now());
  const ticker = createTicker(wheel, systemClock);
  const udp = createUdpSet();
  const deps = { udp, clock: systemClock, random: systemRandom, wheel, options, poke: () => ticker.poke() };
  const media = new MediaServer(deps);
  const socket = openSocketPath(path);
  const boot = randomHex(systemRandom, 8);
  const control = await listenForControl({ media, path: socket.path, boot, log });

  endWith(async () => {
    await close(control, media);
    ticker.stop();
    await udp.closeAll();
    socket.close();
  });
  flushCompileCache();
  log('ready', { boot, ports: options.ports });
  // If the supervisor is gone by now, `disconnect` says so.
  process.send?.({ kind: 'ready', boot }, () => {});
}

function readArguments(): { readonly data: string; readonly options: MediaOptions } {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: './data' }, options: { type: 'string' } },
  });
  const text = values.options ?? process.env.STROWGER_MEDIA ?? '{}';
  return { data: values.data, options: parseOptions(JSON.parse(text)) };
}

/** A socket file outlives a process that was killed. One that answers belongs to a living one. */
async function removeStale(path: string): Promise<void> {
  const socket = openSocketPath(path);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(socket.path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  socket.close();
  if (answers) throw new Error(`another media process serves ${path}`);
  rmSync(path, { force: true });
}

async function close(control: ControlServer, media: MediaServer): Promise<void> {
  await control.close();
  media.close();
}

function endWith(finish: () => Promise<void>): void {
  let ending = false;
  const end = (why: string) => {
    if (ending) return;
    ending = true;
    log('ending', { why });
    finish().then(
      () => process.exit(0),
      (error: unknown) => {
        log('ending-failed', { error: String(error) });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  // Ctrl-C and a closed terminal reach the whole group; the supervisor says when: calls are ended before their audio.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => end('supervisor-gone'));
  // It went before we listened for it.
  if (process.send && !process.connected) end('supervisor-gone');
}

main().catch((error: unknown) => {
  log('failed', { error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
});
