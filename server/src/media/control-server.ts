/**
 * The media process's end of the port: a Unix socket, one controller and any number of observers.
 *
 * The newest controller wins: a signalling process that was replaced is told so and commands nothing any more. When a
 * controller goes its bridges are orphans, and their audio goes on.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { LineReader, MAX_QUEUED_BYTES } from './lines.ts';
import type { MediaServer } from './media-server.ts';
import { perform, refusal } from './perform.ts';
import { MediaError, type MediaEvent } from './port.ts';
import { METHODS, type Method, PROTOCOL_VERSION, type Request, readRequest } from './protocol.ts';

export interface ControlServerOptions {
  readonly media: MediaServer;
  readonly path: string;
  /** Tells one start of this process from another. */
  readonly boot: string;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface ControlServer {
  close(): Promise<void>;
}

/** Connections beyond this are closed at once: there is one controller, and few look on. */
const MAX_CONNECTIONS = 32;
/** Requests of one connection that may be at work. */
const MAX_PENDING = 1024;

/** Listens. Whoever called has made sure that no living process has the path. */
export async function listenForControl(options: ControlServerOptions): Promise<ControlServer> {
  const control = new Control(options);
  const server = createServer((socket) => control.accept(socket));
  server.maxConnections = MAX_CONNECTIONS;
  await listening(server, options.path);
  options.media.onEvent((event) => control.tell(event));
  return {
    close: async () => {
      control.closeAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

class Control {
  readonly #options: ControlServerOptions;
  readonly #connections = new Set<Connection>();
  #controller: Connection | undefined;
  #next = 1;

  constructor(options: ControlServerOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const connection = new Connection(this.#next, socket, this, this.#options.log);
    this.#next += 1;
    this.#connections.add(connection);
  }

  tell(event: MediaEvent): void {
    for (const connection of this.#connections) if (connection.role !== 'none') connection.write({ event });
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** The connection is gone, by whichever end. */
  gone(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#controller !== connection) return;
    this.#controller = undefined;
    this.#options.media.orphan(connection.number);
    this.#options.log('controller-gone', { connection: connection.number });
  }

  async answer(connection: Connection, request: Request): Promise<unknown> {
    const { method } = request;
    if (method === 'hello') return this.#hello(connection, request);
    if (!this.#may(connection, method)) throw new MediaError('MEDIA_NOT_CONTROLLER', 'another process has control');
    return perform(this.#options.media, connection.number, request);
  }

  #may(connection: Connection, method: Method): boolean {
    return METHODS[method] === 'read' ? connection.role !== 'none' : connection === this.#controller;
  }

  #hello(connection: Connection, { params }: Request): unknown {
    const { role, version } = params;
    if (version !== PROTOCOL_VERSION || (role !== 'control' && role !== 'observe')) {
      throw new MediaError('MEDIA_BAD_REQUEST', `hello with version ${PROTOCOL_VERSION} and role control or observe`);
    }
    connection.role = role;
    if (role === 'control' && this.#controller !== connection) {
      const old = this.#controller;
      this.#controller = connection;
      this.#options.log('controller', { connection: connection.number, replaced: old?.number });
      if (old) {
        old.role = 'observe';
        old.write({ event: { kind: 'down', why: 'replaced' } satisfies MediaEvent });
        this.#options.media.orphan(old.number);
      }
    }
    return { boot: this.#options.boot };
  }
}

class Connection {
  readonly number: number;
  role: 'none' | 'observe' | 'control' = 'none';
  readonly #socket: Socket;
  readonly #control: Control;
  readonly #log: ControlServerOptions['log'];
  #pending = 0;
  #held = false;

  constructor(number: number, socket: Socket, control: Control, log: ControlServerOptions['log']) {
    this.number = number;
    this.#socket = socket;
    this.#control = control;
    this.#log = log;
    const reader = new LineReader();
    socket.on('data', (chunk) => {
      for (const line of reader.push(chunk)) this.#line(line);
      // A line that never ends is no request; there is nothing to find one's feet by after it.
      if (reader.broken) this.#refuseAndClose();
    });
    socket.on('error', (error) => log('control-error', { connection: number, error: error.message }));
    socket.on('close', () => control.gone(this));
  }

  /** A peer that does not read is cut off rather than remembered for. */
  write(message: unknown): void {
    if (this.#socket.writableLength > MAX_QUEUED_BYTES) {
      this.#log('control-overflow', { connection: this.number });
      this.#socket.destroy();
    } else if (this.#socket.writable) {
      this.#hold();
      this.#socket.write(`${JSON.stringify(message)}\n`);
    }
  }

  /** A call to the kernel costs more than an answer: those of one turn leave together. */
  #hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#held = false;
      this.#socket.uncork();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #line(line: string): void {
    const request = readRequest(line);
    if (request instanceof MediaError) {
      this.write({ id: null, ok: false, error: refusal(request) });
    } else if (this.#pending >= MAX_PENDING) {
      this.write({ id: request.id, ok: false, error: { code: 'MEDIA_BUSY', message: 'too many requests at work' } });
    } else {
      void this.#serve(request);
    }
  }

  async #serve(request: Request): Promise<void> {
    this.#pending += 1;
    try {
      const result = await this.#control.answer(this, request);
      this.write({ id: request.id, ok: true, result });
    } catch (error) {
      const { code, message } = refusal(error);
      if (code === 'MEDIA_INTERNAL') this.#log('control-failed', { method: request.method, error: String(error) });
      this.write({ id: request.id, ok: false, error: { code, message } });
    } finally {
      this.#pending -= 1;
    }
  }

  #refuseAndClose(): void {
    this.#socket.end(
      `${JSON.stringify({ id: null, ok: false, error: { code: 'MEDIA_BAD_REQUEST', message: 'line too long' } })}\n`,
    );
  }
}
