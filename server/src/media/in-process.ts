/** The media port in this thread, over whichever UDP set, clock and wheel: for scenarios on the virtual network. */
import { MediaServer, type MediaServerDeps } from './media-server.ts';
import {
  type AllocateRequest,
  type BridgeStats,
  type BridgeSummary,
  type ConnectRequest,
  type LegName,
  MediaError,
  type MediaEvent,
  type MediaPort,
  type StreamLocal,
} from './port.ts';

export interface InProcessMedia {
  readonly server: MediaServer;
  /** A controller, as a signalling process would be; it takes over from the one before. */
  control(): InProcessPort;
}

export interface InProcessPort extends MediaPort {
  /** As if signalling had died: its bridges go on as orphans. */
  close(): void;
}

/** A media server and the way to control it. Events of one moment reach the controller before its next call returns. */
export function createInProcessMedia(deps: MediaServerDeps): InProcessMedia {
  const server = new MediaServer(deps);
  let controllers = 0;
  let current: Port | undefined;
  server.onEvent((event) => current?.tell(event));
  return {
    server,
    control() {
      controllers += 1;
      current?.replaced();
      current = new Port(server, controllers);
      return current;
    },
  };
}

class Port implements InProcessPort {
  readonly #server: MediaServer;
  readonly #number: number;
  readonly #handlers: ((event: MediaEvent) => void)[] = [];
  #live = true;

  constructor(server: MediaServer, number: number) {
    this.#server = server;
    this.#number = number;
    // As over a socket: after whoever asked has set its handlers.
    queueMicrotask(() => this.tell({ kind: 'up', boot: 'in-process', bridges: server.list() }));
  }

  async allocate(request: AllocateRequest): Promise<Readonly<Record<LegName, readonly StreamLocal[]>>> {
    this.#mustLive();
    return this.#server.allocate(this.#number, request);
  }

  async connect(request: ConnectRequest): Promise<void> {
    this.#mustLive();
    this.#server.connect(this.#number, request);
  }

  async release(bridge: string): Promise<BridgeStats | undefined> {
    this.#mustLive();
    return this.#server.release(bridge);
  }

  async list(): Promise<readonly BridgeSummary[]> {
    this.#mustLive();
    return this.#server.list();
  }

  async adopt(bridges: readonly string[]): Promise<readonly string[]> {
    this.#mustLive();
    return this.#server.adopt(this.#number, bridges);
  }

  onEvent(handler: (event: MediaEvent) => void): void {
    this.#handlers.push(handler);
  }

  tell(event: MediaEvent): void {
    if (this.#live) for (const handler of this.#handlers) handler(event);
  }

  replaced(): void {
    this.#end('replaced');
  }

  close(): void {
    this.#end('closed');
  }

  #end(why: 'replaced' | 'closed'): void {
    if (!this.#live) return;
    this.tell({ kind: 'down', why });
    this.#live = false;
    this.#server.orphan(this.#number);
  }

  #mustLive(): void {
    if (!this.#live) throw new MediaError('MEDIA_DOWN', 'this controller is closed');
  }
}
