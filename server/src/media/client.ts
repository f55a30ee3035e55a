/**
 * Signalling's end of the port: a `MediaPort` over the Unix socket. It connects anew for ever; `up` comes with every bridge
 * that media has, which is none after the media process itself was started anew: then calls allocate again, with their
 * old ports as a wish, and their phones notice nothing but a gap.
 */
import { connect as connectSocket, type Socket } from 'node:net';
import { LineReader, MAX_QUEUED_BYTES } from './lines.ts';
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
import { formatLine, type Method, PROTOCOL_VERSION, readAnswer } from './protocol.ts';
import { openSocketPath } from './socket-path.ts';

export interface MediaClientOptions {
  /** DIR/run/media.sock */
  readonly path: string;
  readonly role?: 'control' | 'observe';
  /** For each request. Default 5 s. */
  readonly timeoutMs?: number;
  /** Between attempts to connect. Default 100 ms. */
  readonly retryMs?: number;
  readonly maxPending?: number;
  /** The host's timer; default `setTimeout`. Gives back how to stop it. */
  readonly after?: (ms: number, run: () => void) => () => void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: MediaError) => void;
  readonly stopTimer: () => void;
}

const systemAfter = (ms: number, run: () => void): (() => void) => {
  const timeout = setTimeout(run, ms);
  return () => clearTimeout(timeout);
};

export class MediaClient implements MediaPort {
  readonly #options: MediaClientOptions;
  readonly #after: (ms: number, run: () => void) => () => void;
  readonly #pending = new Map<number, Pending>();
  readonly #handlers: ((event: MediaEvent) => void)[] = [];
  #socket: Socket | undefined;
  #state: 'down' | 'greeting' | 'up' | 'closed' = 'down';
  /** Written when this turn has done all it does. */
  #lines: string[] = [];
  #nextId = 1;
  #stopRetry: () => void = () => {};

  constructor(options: MediaClientOptions) {
    this.#options = options;
    this.#after = options.after ?? systemAfter;
    // Not at once: handlers are set after this returns.
    queueMicrotask(() => this.#connect());
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  onEvent(handler: (event: MediaEvent) => void): void {
    this.#handlers.push(handler);
  }

  async allocate(request: AllocateRequest): Promise<Record<LegName, readonly StreamLocal[]>> {
    return (await this.#call('allocate', request)) as Record<LegName, readonly StreamLocal[]>;
  }

  async connect(request: ConnectRequest): Promise<void> {
    await this.#call('connect', request);
  }

  async release(bridge: string): Promise<BridgeStats | undefined> {
    return ((await this.#call('release', { bridge })) as BridgeStats | null) ?? undefined;
  }

  async list(): Promise<readonly BridgeSummary[]> {
    if (this.#state !== 'up') throw new MediaError('MEDIA_DOWN', 'the media process is not there');
    return this.#listAll();
  }

  async adopt(bridges: readonly string[]): Promise<readonly string[]> {
    const found: string[] = [];
    for (let at = 0; at < bridges.length; at += 1000) {
      found.push(...((await this.#call('adopt', { bridges: bridges.slice(at, at + 1000) })) as string[]));
    }
    return found;
  }

  /** Ends the connection; its bridges become orphans unless they were released. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#end('closed');
  }

  async #listAll(): Promise<readonly BridgeSummary[]> {
    const all: BridgeSummary[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = (await this.#send('list', { after })) as { bridges: BridgeSummary[]; next?: number };
      all.push(...page.bridges);
      after = page.next;
    }
    return all;
  }

  #call(method: Method, params: unknown): Promise<unknown> {
    if (this.#state !== 'up') return Promise.reject(new MediaError('MEDIA_DOWN', 'the media process is not there'));
    return this.#send(method, params);
  }

  #send(method: Method, params: unknown): Promise<unknown> {
    const socket = this.#socket;
    if (!socket?.writable) return Promise.reject(new MediaError('MEDIA_DOWN', 'the media process is not there'));
    const full = this.#pending.size >= (this.#options.maxPending ?? 1024) || socket.writableLength > MAX_QUEUED_BYTES;
    if (full) return Promise.reject(new MediaError('MEDIA_BUSY', 'too many requests wait for the media process'));
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const line = formatLine({ id, method, params });
      const stopTimer = this.#after(this.#options.timeoutMs ?? 5000, () => {
        this.#pending.delete(id);
        reject(new MediaError('MEDIA_TIMEOUT', `no answer to ${method}`));
      });
      this.#pending.set(id, { resolve, reject, stopTimer });
      this.#write(socket, line);
    });
  }

  /** A call to the kernel costs more than a line: those of one turn leave together. */
  #write(socket: Socket, line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > 1) return;
    process.nextTick(() => {
      const lines = this.#lines.join('');
      this.#lines = [];
      if (socket.writable) socket.write(lines);
    });
  }

  #connect(): void {
    if (this.#state === 'closed') return;
    let socket: Socket;
    try {
      const { path, close } = openSocketPath(this.#options.path);
      socket = connectSocket(path);
      socket.once('connect', close);
      socket.once('error', close);
    } catch {
      // No folder yet: the supervisor starts both processes at once.
      this.#retry();
      return;
    }
    this.#socket = socket;
    const reader = new LineReader();
    socket.on('connect', () => void this.#greet(socket));
    socket.on('data', (chunk) => {
      for (const line of reader.push(chunk)) this.#line(line);
      if (reader.broken) socket.destroy();
    });
    // Every error is followed by `close`, which is where it is dealt with.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket === socket && this.#state !== 'closed') this.#lost();
    });
  }

  async #greet(socket: Socket): Promise<void> {
    this.#state = 'greeting';
    try {
      const role = this.#options.role ?? 'control';
      const { boot } = (await this.#send('hello', { version: PROTOCOL_VERSION, role })) as { boot: string };
      const bridges = await this.#listAll();
      if (this.#socket !== socket || this.#state !== 'greeting') return;
      this.#state = 'up';
      this.#emit({ kind: 'up', boot, bridges });
    } catch {
      // Refused, or gone meanwhile: `close` follows, and another attempt.
      socket.destroy();
    }
  }

  #line(line: string): void {
    const answer = readAnswer(line);
    if (answer?.kind === 'event') {
      // Another has taken over: to connect again would take it back, and so on for ever.
      if (answer.event.kind === 'down') this.#end('replaced');
      else this.#emit(answer.event);
      return;
    }
    const pending = answer?.id == null ? undefined : this.#pending.get(answer.id);
    if (answer === undefined || pending === undefined || answer.id === null) return;
    this.#pending.delete(answer.id);
    pending.stopTimer();
    if (answer.kind === 'result') pending.resolve(answer.result);
    else pending.reject(answer.error);
  }

  #lost(): void {
    const wasUp = this.#state === 'up';
    this.#state = 'down';
    this.#socket = undefined;
    this.#rejectAll();
    if (wasUp) this.#emit({ kind: 'down', why: 'lost' });
    this.#retry();
  }

  #retry(): void {
    this.#stopRetry = this.#after(this.#options.retryMs ?? 100, () => this.#connect());
  }

  #end(why: 'replaced' | 'closed'): void {
    this.#state = 'closed';
    this.#stopRetry();
    this.#socket?.destroy();
    this.#rejectAll();
    this.#emit({ kind: 'down', why });
  }

  #rejectAll(): void {
    for (const { reject, stopTimer } of this.#pending.values()) {
      stopTimer();
      reject(new MediaError('MEDIA_DOWN', 'the media process went away'));
    }
    this.#pending.clear();
  }

  #emit(event: MediaEvent): void {
    for (const handler of this.#handlers) handler(event);
  }
}
