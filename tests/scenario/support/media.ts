/** The media program of a virtual machine: it can be killed and started again by itself, as its process can. */
import { later, TimerWheel } from '@strowger/proto';
import type { VirtualHost } from '@strowger/testkit';
import type { Config } from '../../../server/src/config/schema.ts';
import { createInProcessMedia, type InProcessMedia, type InProcessPort } from '../../../server/src/media/in-process.ts';
import { DEFAULT_TIMING } from '../../../server/src/media/options.ts';
import {
  type AllocateRequest,
  type ConnectRequest,
  MediaError,
  type MediaEvent,
  type MediaPort,
} from '../../../server/src/media/port.ts';

/** How long signalling takes to notice that media is back. */
const RECONNECT_MS = 100;

export class VirtualMedia {
  readonly #host: VirtualHost;
  readonly #config: Config;
  #media: InProcessMedia | undefined;
  #link: MediaLink | undefined;

  constructor(machine: VirtualHost, config: Config) {
    this.#host = machine.process('media');
    this.#config = config;
  }

  start(): void {
    const { clock, random } = this.#host;
    const wheel = new TimerWheel(clock.now());
    const ticker = this.#host.createTicker(wheel);
    const { ports, idleSeconds, orphanSeconds } = this.#config.media;
    const timing = { ...DEFAULT_TIMING, idleAfter: idleSeconds * 1000, orphanSilence: orphanSeconds * 1000 };
    const udp = this.#host.createUdpSet();
    const poke = () => ticker.poke();
    this.#media = createInProcessMedia({ udp, clock, random, wheel, options: { ports, timing }, poke });
    const media = this.#media;
    const link = this.#link;
    if (link) this.#host.network.clock.at(later(clock.now(), RECONNECT_MS), () => link.up(media));
  }

  /** `kill -9`: its sockets close, and what it knew is gone. */
  crash(): void {
    this.#host.crash();
    this.#media = undefined;
    this.#link?.lost();
  }

  /** The port of a new signalling program; the one before it has been killed, or is about to be replaced. */
  connect(): MediaPort {
    const link = new MediaLink();
    this.#link?.close();
    this.#link = link;
    if (this.#media) link.up(this.#media);
    return link;
  }

  /** Signalling was killed. */
  disconnect(): void {
    this.#link?.close();
    this.#link = undefined;
  }

  /** Bridges, and the UDP ports they have. */
  held(): { readonly bridges: number; readonly ports: number } {
    const counters = this.#media?.server.counters();
    return { bridges: counters?.bridges ?? 0, ports: counters?.ports.inUse ?? 0 };
  }
}

/** A `MediaPort` that outlives the media program, as the client over the socket does. */
class MediaLink implements MediaPort {
  readonly #handlers: ((event: MediaEvent) => void)[] = [];
  #port: InProcessPort | undefined;
  #closed = false;

  up(media: InProcessMedia): void {
    if (this.#closed) return;
    const port = media.control();
    this.#port = port;
    port.onEvent((event) => {
      if (this.#port === port) for (const handler of this.#handlers) handler(event);
    });
  }

  lost(): void {
    this.#port = undefined;
    for (const handler of this.#handlers) handler({ kind: 'down', why: 'lost' });
  }

  close(): void {
    this.#closed = true;
    this.#handlers.length = 0;
    this.#port?.close();
    this.#port = undefined;
  }

  onEvent(handler: (event: MediaEvent) => void): void {
    this.#handlers.push(handler);
  }

  allocate = async (request: AllocateRequest): ReturnType<MediaPort['allocate']> => this.#up().allocate(request);
  connect = async (request: ConnectRequest): ReturnType<MediaPort['connect']> => this.#up().connect(request);
  release = async (bridge: string): ReturnType<MediaPort['release']> => this.#up().release(bridge);
  list = async (): ReturnType<MediaPort['list']> => this.#up().list();
  adopt = async (bridges: readonly string[]): ReturnType<MediaPort['adopt']> => this.#up().adopt(bridges);

  #up(): InProcessPort {
    if (!this.#port) throw new MediaError('MEDIA_DOWN', 'the media process is not there');
    return this.#port;
  }
}
