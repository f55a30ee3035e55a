/**
 * The signalling process: SIP, on one thread with no query on it. Told by the supervisor what to be; ends with it. When it
 * is killed, media goes on, and the next one finds bindings and calls in the journal.
 */

import { renameSync, writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import {
  createTcpSet,
  createTicker,
  createTurn,
  createUdpSet,
  systemClock,
  systemHashes,
  systemRandom,
  toOctets,
} from '@strowger/node';
import { TimerWheel } from '@strowger/proto';
import type { Config } from '../config/schema.ts';
import type { ServerHost } from '../kernel/host.ts';
import { errorFields, type Log } from '../kernel/log.ts';
import type { Secrets } from '../kernel/secrets.ts';
import { Kernel } from '../kernel/server.ts';
import { HostTransports } from '../kernel/transports.ts';
import { MediaClient } from '../media/client.ts';
import { DEFAULT_TENANT } from '../modules/directory/api.ts';
import { deviceSecretAbout, directoryStore } from '../modules/directory/store.ts';
import { openThreadStorage } from '../storage/client.ts';
import { openJournal } from '../storage/journal.ts';
import { journalSpaces } from '../storage/journal-spaces.ts';
import { outboxStore } from '../storage/outbox.ts';
import type { Storage } from '../storage/storage.ts';
import { ensureAdministrator, type NewAdministrator } from './administrator.ts';
import { type DataPaths, dataPaths, hold, loadKeys } from './data-folder.ts';
import { forgetEventsDaily } from './forget-events.ts';
import { hostBounds, MAX_BUFFERED, MAX_DATAGRAMS, MAX_MEDIA_CALLS, MAX_STORAGE_CALLS } from './host-bounds.ts';
import { checkMediaAddresses, openListeners } from './listeners.ts';
import { createLog } from './log.ts';
import type { FromSignalling, SignallingReady, StartSignalling, ToSignalling } from './messages.ts';
import { modules, stores } from './modules.ts';

/** A predecessor that was killed may take a moment to let go of the folder. */
const HOLD_TRIES = 50;
/** BYEs get this long to be answered at an orderly end. */
const FAREWELL_MS = 700;

interface Running {
  readonly log: Log;
  stop(): Promise<void>;
  readonly administrator: NewAdministrator | undefined;
}

let running: Running | undefined;
let stopping = false;

process.on('message', (message: ToSignalling) => {
  if (message.kind === 'start') void begin(message);
  else
    running?.administrator
      ?.announced()
      .catch((error: unknown) => running?.log.error('not-announced', errorFields(error)));
});
// Ctrl-C and a closed terminal reach the whole group; the supervisor says when.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('SIGTERM', () => void end(0));
process.on('disconnect', () => void end(0));

async function begin(message: StartSignalling): Promise<void> {
  const log = createLog(message.config.log.level, 'signalling');
  try {
    running = await start(message, log);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'START_FAILED';
    log.error('start-failed', errorFields(error));
    tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) }, () =>
      process.exit(1),
    );
  }
}

async function end(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  try {
    await running?.stop();
  } finally {
    process.exit(code);
  }
}

function tell(message: FromSignalling, then: () => void = () => {}): void {
  if (process.send) process.send(message, then);
  else then();
}

async function start({ data, config }: StartSignalling, log: Log): Promise<Running> {
  const paths = dataPaths(data);
  const lock = await holdFolder(paths);
  const media = new MediaClient({ path: paths.mediaSocket, maxPending: MAX_MEDIA_CALLS });
  const storage = await openThreadStorage({
    path: paths.database,
    backups: paths.backups,
    stores,
    clock: systemClock,
    maxPending: MAX_STORAGE_CALLS,
  });
  storage.onDown((error, final) => log.error('storage-down', { final, ...errorFields(error) }));
  const merge = (through: number): void => {
    storage.mergeJournal(paths.journal, through).catch((error) => log.error('journal-not-merged', errorFields(error)));
  };
  const { durability } = config;
  const journal = openJournal({ dir: paths.journal, durability, now: systemClock.wall(), onRotate: merge });
  for (const damage of journal.damage) log.error('journal-damaged', { ...damage });
  const turn = createTurn();
  const wheel = new TimerWheel(systemClock.now());
  const ticker = createTicker(wheel, systemClock);
  const { connections } = config.limits;
  const udp = createUdpSet({ turn, receiveBufferBytes: 4 << 20, sendBufferBytes: 1 << 20, maxQueued: MAX_DATAGRAMS });
  const tcp = createTcpSet({ turn, maxConnections: connections, maxBuffered: MAX_BUFFERED });
  const transports = new HostTransports({ udp, streams: [tcp], toOctets });
  const skipped = await openListeners(transports, config);
  await checkMediaAddresses(udp, config);
  const host: ServerHost = {
    clock: systemClock,
    random: systemRandom,
    hashes: systemHashes,
    wheel,
    log,
    config,
    secrets: loadKeys(paths),
    transports,
    media,
    journal: journalSpaces(journal),
    bounds: hostBounds({ udp, tcp, storage, media, connections }),
    store: (definition) => storage.store(definition),
    publish: (name, value) => publish(paths, name, value, log),
    poke: () => ticker.poke(),
    endOfTurn: (run) => turn.endOfTurn(run),
  };
  await mediaIsUp(media);
  const kernel = new Kernel(host);
  await kernel.start(modules);
  merge(journal.segment - 1);
  const stopForgetting = forgetEventsDaily(storage.store(outboxStore), systemClock, log);
  const administrator = await ensureAdministrator(storage.store(directoryStore), DEFAULT_TENANT);
  tell({
    kind: 'ready',
    listening: transports.listening,
    skipped,
    generated: await generatedPasswords(storage, config, host.secrets),
    bindings: kernel.bounds.used('location.bindings'),
    calls: kernel.bounds.used('calls.live'),
    ...(administrator === undefined
      ? {}
      : { administrator: { name: administrator.name, password: administrator.password } }),
  });
  // The next start is faster for it, and a process that is killed would not write it.
  flushCompileCache();
  log.info('ready', { listeners: transports.listening.length, host: hostname(), domain: config.domain });
  return {
    log,
    administrator,
    async stop() {
      stopForgetting();
      await kernel.stop();
      await farewell(kernel);
      await transports.close();
      ticker.stop();
      media.close();
      kernel.guard('last flush', () => host.journal.flush());
      // Records on their way are written now, and the journal is told that they are.
      await storage.close();
      kernel.guard('last flush', () => host.journal.flush());
      journal.close();
      lock.release();
    },
  };
}

/** Until every phone has answered its BYE, or long enough. */
async function farewell({ dialogs }: Kernel): Promise<void> {
  const end = performance.now() + FAREWELL_MS;
  do await new Promise((resolve) => setTimeout(resolve, 20));
  while (dialogs.size > 0 && performance.now() < end);
}

/** The secrets of declared people who were given none. */
async function generatedPasswords(
  storage: Pick<Storage, 'store'>,
  { people }: Pick<Config, 'people'>,
  secrets: Pick<Secrets, 'open'>,
): Promise<SignallingReady['generated']> {
  const wanted = new Map(people.filter((p) => p.password === undefined).map((p) => [p.extension, p.name]));
  if (wanted.size === 0) return [];
  const found: { name: string; extension: string; password: string }[] = [];
  const directory = storage.store(directoryStore);
  for (let page = await directory.system.listDevices(); page.length > 0; ) {
    for (const { tenant, userName, secret } of page) {
      const name = wanted.get(userName);
      const password = name === undefined ? undefined : secrets.open(secret, deviceSecretAbout(tenant, userName));
      if (name !== undefined && password !== undefined) found.push({ name, extension: userName, password });
    }
    const last = page.at(-1);
    page = last === undefined ? [] : await directory.system.listDevices(last);
  }
  return found;
}

async function holdFolder(paths: DataPaths): Promise<ReturnType<typeof hold>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return hold(paths, 'signalling');
    } catch (error) {
      if (attempt >= HOLD_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Calls need media, and restored ones must be known to it before it gives up on them. */
function mediaIsUp(media: MediaClient): Promise<void> {
  return new Promise((resolve) => {
    if (media.up) return resolve();
    media.onEvent((event) => {
      if (event.kind === 'up') resolve();
    });
  });
}

/** Whole or not at all: whoever reads it never sees half. */
function publish(paths: DataPaths, name: string, value: unknown, log: Log): void {
  const file = join(paths.run, `${name}.json`);
  try {
    writeFileSync(`${file}.part`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
    renameSync(`${file}.part`, file);
  } catch (error) {
    log.warn('not-published', { name, ...errorFields(error) });
  }
}
