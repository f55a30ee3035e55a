/** The sockets of all bridges: opened and closed with their streams, and found again when a packet comes in. */
import { formatSocketAddress, type SocketAddress } from '@strowger/proto';
import { type Bridge, type LegStream, otherLeg } from './bridge.ts';
import type { LatchTiming } from './latch.ts';
import { type AllocateRequest, LEG_NAMES, type LegName, MediaError } from './port.ts';
import type { PortAllocator } from './ports.ts';
import type { RelayStream } from './relay.ts';

/** Where a socket's packets go in. */
export interface Endpoint {
  readonly bridge: Bridge;
  readonly leg: LegName;
  readonly index: number;
  readonly stream: LegStream;
  readonly rtcp: boolean;
}

interface Fresh {
  readonly leg: LegName;
  readonly stream: LegStream;
}

export class BridgeSockets {
  readonly #ports: PortAllocator;
  readonly #timing: LatchTiming;
  readonly #endpoints = new Map<number, Endpoint>();
  /** By RTP and RTCP address. */
  readonly #listening = new Map<string, RelayStream>();

  constructor(ports: PortAllocator, timing: LatchTiming) {
    this.#ports = ports;
    this.#timing = timing;
  }

  endpoint(socket: number): Endpoint | undefined {
    return this.#endpoints.get(socket);
  }

  listeningAt(at: SocketAddress): RelayStream | undefined {
    return this.#listening.get(formatSocketAddress(at));
  }

  /** Gives a bridge the streams it lacks: all of them or none, for a leg without its peer is of no use. */
  async grow(bridge: Bridge, request: AllocateRequest, binds: Readonly<Record<LegName, string>>): Promise<void> {
    const fresh: Fresh[] = [];
    try {
      for (const leg of LEG_NAMES) {
        this.#rebind(bridge, leg, binds[leg]);
        const { streams } = bridge.legs[leg];
        while (streams.length < request.streams) {
          const stream = await this.#open(bridge, leg, binds[leg], request.legs[leg].ports?.[streams.length]);
          fresh.push({ leg, stream });
        }
      }
    } catch (error) {
      if (!bridge.ended) this.#undo(bridge, fresh);
      throw error;
    }
  }

  closeAll(bridge: Bridge): void {
    for (const leg of LEG_NAMES) this.#close(bridge.clearLeg(leg));
  }

  async #open(bridge: Bridge, leg: LegName, bind: string, wanted: number | undefined): Promise<LegStream> {
    const pair = await this.#ports.acquire(bind, wanted);
    if (bridge.ended) {
      this.#ports.release(pair);
      throw new MediaError('MEDIA_UNKNOWN_BRIDGE', 'released while it was made');
    }
    const index = bridge.legs[leg].streams.length;
    const stream = bridge.addStream(leg, pair, this.#timing);
    const { address, port, rtpSocket, rtcpSocket } = pair;
    this.#listening.set(formatSocketAddress({ address, port }), stream.relay);
    this.#listening.set(formatSocketAddress({ address, port: port + 1 }), stream.relay);
    this.#endpoints.set(rtpSocket, { bridge, leg, index, stream, rtcp: false });
    this.#endpoints.set(rtcpSocket, { bridge, leg, index, stream, rtcp: true });
    return stream;
  }

  /** The leg is to be at another of our addresses: its ports there are new. */
  #rebind(bridge: Bridge, leg: LegName, bind: string): void {
    if (bridge.legs[leg].bind === bind) return;
    this.#close(bridge.clearLeg(leg));
    bridge.legs[leg].bind = bind;
  }

  #undo(bridge: Bridge, fresh: readonly Fresh[]): void {
    for (const { leg, stream } of fresh.toReversed()) {
      bridge.legs[leg].streams.pop();
      const peer = bridge.legs[otherLeg(leg)].streams.find(({ relay }) => relay.peer === stream.relay);
      if (peer) peer.relay.peer = undefined;
      this.#close([stream]);
    }
  }

  #close(streams: readonly LegStream[]): void {
    for (const { pair } of streams) {
      const { address, port } = pair;
      this.#listening.delete(formatSocketAddress({ address, port }));
      this.#listening.delete(formatSocketAddress({ address, port: port + 1 }));
      this.#endpoints.delete(pair.rtpSocket);
      this.#endpoints.delete(pair.rtcpSocket);
      this.#ports.release(pair);
    }
  }
}
