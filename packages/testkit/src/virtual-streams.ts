import {
  type CloseReason,
  type Destination,
  type Flow,
  formatSocketAddress,
  isIpv6,
  type Mono,
  type Octets,
  SendError,
  type SocketAddress,
  type StreamCounters,
  type StreamSendErrorHandler,
  type StreamSet,
} from '@strowger/proto';
import type { Ports, VirtualHost } from './virtual-host.ts';

/** As the real set's. */
const CONNECT_TIMEOUT_MS = 5000;
/** How long what was sent into a cut link is tried before the connection is given up. */
const GIVE_UP_MS = 60_000;
const RETRY_MS = 1000;

interface Waiting {
  readonly text: Octets;
  readonly to: Destination;
  readonly context: unknown;
}

/** One side of a connection. */
interface End {
  readonly set: VirtualStreams;
  readonly flow: Flow & { readonly connection: number };
  state: 'connecting' | 'open' | 'closed';
  peer?: End;
  queue: Waiting[];
  /** When the last piece that was sent from here arrives: none may pass it. */
  lastArrival: Mono;
}

/** The `StreamSet` of a virtual host: whole messages over reliable, ordered connections. */
export class VirtualStreams implements StreamSet {
  readonly transport = 'tcp';
  readonly host: VirtualHost;
  readonly #ports: Ports<VirtualStreams>;
  readonly #listeners = new Map<number, SocketAddress>();
  readonly #ends = new Map<number, End>();
  readonly #byRemote = new Map<string, End>();
  readonly #counts = {
    accepted: 0,
    connected: 0,
    connectErrors: 0,
    refused: 0,
    received: 0,
    sent: 0,
    sendErrors: 0,
    pings: 0,
  };
  readonly #closed: Record<CloseReason, number> = {
    local: 0,
    peer: 0,
    error: 0,
    idle: 0,
    silent: 0,
    slow: 0,
    broken: 0,
    congested: 0,
    crowded: 0,
  };
  #failures: { readonly waiting: Waiting; readonly error: Error }[] = [];
  #nextListener = 1;
  #nextConnection = 1;
  #dead = false;
  #onMessage: (flow: Flow, text: Octets) => void = () => {};
  #onClosed: (flow: Flow, reason: CloseReason) => void = () => {};
  #onSent: (flow: Flow, context: unknown) => void = () => {};
  #onSendError: StreamSendErrorHandler = () => {};

  constructor(host: VirtualHost, ports: Ports<VirtualStreams>) {
    this.host = host;
    this.#ports = ports;
    host.turn.add(() => this.#flush());
  }

  onMessage(handler: (flow: Flow, text: Octets) => void): void {
    this.#onMessage = handler;
  }

  onClosed(handler: (flow: Flow, reason: CloseReason) => void): void {
    this.#onClosed = handler;
  }

  onSent(handler: (flow: Flow, context: unknown) => void): void {
    this.#onSent = handler;
  }

  onSendError(handler: StreamSendErrorHandler): void {
    this.#onSendError = handler;
  }

  async listen(local: SocketAddress): Promise<number> {
    const bound = this.host.claim('tcp', this.#ports, local, () => this);
    const listener = this.#nextListener;
    this.#nextListener += 1;
    this.#listeners.set(listener, bound);
    return listener;
  }

  local(listener: number): SocketAddress {
    const local = this.#listeners.get(listener);
    if (!local) throw new RangeError(`no tcp listener ${listener}`);
    return local;
  }

  unlisten(listener: number): void {
    const local = this.#listeners.get(listener);
    if (local) this.#ports.delete(formatSocketAddress(local));
    this.#listeners.delete(listener);
  }

  send(text: Octets, to: Destination, context?: unknown): Flow | undefined {
    const waiting = { text, to, context };
    this.host.turn.request();
    const end = to.kind === 'flow' ? this.#ends.get(to.flow.connection ?? -1) : this.#reach(to.remote);
    if (!end) {
      this.#failures.push({ waiting, error: new SendError('SEND_CLOSED', 'the connection is closed') });
      return undefined;
    }
    end.queue.push(waiting);
    return end.state === 'open' ? end.flow : undefined;
  }

  isLive(connection: number): boolean {
    return this.#ends.has(connection);
  }

  close(connection: number): void {
    const end = this.#ends.get(connection);
    if (!end) return;
    this.#write(end);
    this.#end(end, 'local');
  }

  async closeAll(): Promise<void> {
    for (const listener of [...this.#listeners.keys()]) this.unlisten(listener);
    for (const connection of [...this.#ends.keys()]) this.close(connection);
  }

  counters(): StreamCounters {
    return { ...this.#counts, connections: this.#ends.size, buffered: 0, closed: { ...this.#closed } };
  }

  /** @internal The program died; its kernel says goodbye for it. */
  die(): void {
    this.#dead = true;
    for (const listener of [...this.#listeners.keys()]) this.unlisten(listener);
    for (const end of [...this.#ends.values()]) {
      end.queue = [];
      this.#end(end, 'local');
    }
  }

  #reach(remote: SocketAddress): End {
    const known = this.#byRemote.get(formatSocketAddress(remote));
    if (known) return known;
    const any = { address: isIpv6(remote.address) ? '::' : '0.0.0.0', port: 0 };
    const local = this.host.source(
      this.host.claim('tcp', new Map(), any, () => this),
      remote,
    );
    const end = this.#adopt({ transport: 'tcp', local, remote }, 'connecting');
    this.#dial(end);
    return end;
  }

  #dial(end: End): void {
    const { clock } = this.host.network;
    const { local, remote } = end.flow;
    const { target, from, to } = this.host.network.route('tcp', this.host, local, remote);
    const there = target && this.host.network.link(this.host.name, target.name);
    const back = target && this.host.network.link(target.name, this.host.name);
    if (!target || !there || !back || there.cut || back.cut) {
      clock.after(CONNECT_TIMEOUT_MS, () => this.#noConnection(end, 'SEND_CONNECT_TIMEOUT', 'no connection in time'));
      return;
    }
    clock.at(there.piece(clock.now(), clock.now()), () => {
      const listener = target.find(target.streamPorts, to);
      const peer = listener?.accept({ transport: 'tcp', local: to, remote: from }, end);
      clock.at(back.piece(clock.now(), clock.now()), () => {
        if (!peer) this.#noConnection(end, 'SEND_CONNECT', 'no connection: ECONNREFUSED');
        else if (end.state === 'connecting') this.#opened(end, peer);
      });
    });
  }

  /** @internal */
  accept(flow: Flow, peer: End): End {
    const end = this.#adopt(flow, 'open');
    end.peer = peer;
    this.#counts.accepted += 1;
    return end;
  }

  #opened(end: End, peer: End): void {
    end.state = 'open';
    end.peer = peer;
    this.#counts.connected += 1;
    this.#write(end);
    // It may have been closed before we heard of it.
    if (peer.state === 'closed') this.#end(end, 'peer');
  }

  #noConnection(end: End, code: SendError['code'], text: string): void {
    if (end.state !== 'connecting') return;
    this.#counts.connectErrors += 1;
    this.#forget(end);
    for (const waiting of end.queue) this.#failures.push({ waiting, error: new SendError(code, text) });
    end.queue = [];
    this.host.turn.request();
  }

  #adopt(flow: Flow, state: 'connecting' | 'open'): End {
    const connection = this.#nextConnection;
    this.#nextConnection += 1;
    const end: End = { set: this, flow: { ...flow, connection }, state, queue: [], lastArrival: this.host.clock.now() };
    this.#ends.set(connection, end);
    this.#byRemote.set(formatSocketAddress(flow.remote), end);
    return end;
  }

  #flush(): void {
    for (const end of this.#ends.values()) if (end.state === 'open') this.#write(end);
    const failures = this.#failures;
    this.#failures = [];
    for (const { waiting, error } of failures) {
      this.#counts.sendErrors += 1;
      this.#onSendError(waiting.to, error, waiting.context);
    }
  }

  #write(end: End): void {
    const queue = end.queue;
    const peer = end.peer;
    if (!peer || queue.length === 0) return;
    end.queue = [];
    const { network } = this.host;
    for (const { text, context } of queue) {
      this.#counts.sent += 1;
      this.#onSent(end.flow, context);
      const record = network.record('tcp', this.host, end.flow.local, end.flow.remote, peer.set.host, text);
      // A stream loses nothing: what a filter drops is gone with its connection.
      if (record.fate === 'dropped') {
        this.#end(end, 'error');
        return;
      }
      this.#carry(end, peer, (at) => {
        record.arrives = at;
        record.fate = 'arrived';
        peer.set.#receive(peer, text);
      });
    }
  }

  /** Brings something to the other side in order, waiting while the link is cut. */
  #carry(end: End, peer: End, arrive: (at: Mono) => void, since: Mono = this.host.clock.now()): void {
    const { clock } = this.host.network;
    const link = this.host.network.link(this.host.name, peer.set.host.name);
    if (link.cut) {
      if (clock.now() - since >= GIVE_UP_MS) this.#end(end, 'error');
      else clock.after(RETRY_MS, () => this.#carry(end, peer, arrive, since));
      return;
    }
    end.lastArrival = link.piece(clock.now(), end.lastArrival);
    const at = end.lastArrival;
    clock.at(at, () => arrive(at));
  }

  #receive(end: End, text: Octets): void {
    if (end.state === 'closed') return;
    this.#counts.received += 1;
    this.#onMessage(end.flow, text);
  }

  #end(end: End, reason: CloseReason): void {
    if (end.state === 'closed') return;
    this.#forget(end);
    this.#closed[reason] += 1;
    const error = new SendError('SEND_CLOSED', `the connection was closed (${reason})`);
    for (const waiting of end.queue) this.#failures.push({ waiting, error });
    if (end.queue.length > 0) this.host.turn.request();
    end.queue = [];
    const { peer } = end;
    if (peer && peer.state !== 'closed') {
      this.#carry(end, peer, () => peer.set.#end(peer, reason === 'error' ? 'error' : 'peer'));
    }
    if (!this.#dead) this.#onClosed(end.flow, reason);
  }

  #forget(end: End): void {
    end.state = 'closed';
    this.#ends.delete(end.flow.connection);
    const key = formatSocketAddress(end.flow.remote);
    if (this.#byRemote.get(key) === end) this.#byRemote.delete(key);
  }
}
