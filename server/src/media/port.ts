/**
 * What signalling sees of media: plain data, asynchronous, the same whether bridges live in the media process, in this
 * thread (scenario tests) or on another machine. A bridge relays between two legs, `a` and `b`; a stream is one m-line.
 */
import type { SocketAddress, Wall } from '@strowger/proto';
import type { DropReason } from './latch.ts';

export type LegName = 'a' | 'b';
export const LEG_NAMES: readonly LegName[] = ['a', 'b'];

/** As the leg's own SDP says it (RFC 3264 §5.1): `sendonly` is a phone that sends and wants nothing. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
export const DIRECTIONS: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/** Where a leg's description says it receives one stream. */
export interface StreamRemote {
  /** An IP address. The unspecified address (the hold of RFC 2543) means: send nothing there. */
  readonly address: string;
  /** 0: nowhere to send. */
  readonly port: number;
  /** 0: no RTCP. The same as `port`: rtcp-mux (RFC 5761). */
  readonly rtcpPort: number;
  /** Only says whether silence is worth an `idle` event; packets pass either way. Default `sendrecv`. */
  readonly direction?: Direction;
  /** RTP clock rate by payload type, for jitter; static types (RFC 3551) are known without. */
  readonly clockRates?: Readonly<Record<string, number>>;
}

/** Our side of one stream of one leg. */
export interface StreamLocal {
  readonly address: string;
  readonly port: number;
  readonly rtcpPort: number;
}

export interface LegRequest {
  /** IP address to bind to. */
  readonly bind: string;
  /** RTP ports wanted, by stream: what a call had before the media process was started anew. Given if they are free. */
  readonly ports?: readonly number[];
}

export interface AllocateRequest {
  readonly bridge: string;
  readonly legs: Readonly<Record<LegName, LegRequest>>;
  readonly streams: number;
}

export interface ConnectRequest {
  readonly bridge: string;
  readonly leg: LegName;
  /** IP address the leg's SIP came from: beside the signalled address the only one media may be learned from. */
  readonly source?: string;
  /** By stream; `null` is a rejected one. */
  readonly streams: readonly (StreamRemote | null)[];
}

/** What is not known is absent, never zero. */
export interface StreamStats {
  readonly packets: number;
  readonly bytes: number;
  readonly rtcpPackets: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  readonly ssrc?: number;
  /** Estimated from gaps in the sequence numbers (RFC 3550 §A.3). */
  readonly lost?: number;
  /** Interarrival jitter (RFC 3550 §6.4.1), where the clock rate is known. */
  readonly jitterMs?: number;
  readonly firstAt?: Wall;
  readonly lastAt?: Wall;
  /** Where we send to; `learned` if that is not what the description said. */
  readonly remote?: SocketAddress;
  readonly learned?: boolean;
}

export interface BridgeStats {
  readonly bridge: string;
  readonly createdAt: Wall;
  readonly legs: Readonly<Record<LegName, readonly StreamStats[]>>;
}

export interface LegSummary {
  readonly local: readonly StreamLocal[];
  readonly remote: readonly (StreamRemote | null)[];
  readonly source?: string;
}

/** All that a new signalling process needs to go on with a bridge. */
export interface BridgeSummary extends BridgeStats {
  /** False after its signalling went, until somebody adopts it. */
  readonly owned: boolean;
  readonly media: Readonly<Record<LegName, LegSummary>>;
}

export type MediaEvent =
  | {
      readonly kind: 'idle';
      readonly bridge: string;
      readonly leg: LegName;
      readonly stream: number;
      readonly silentMs: number;
    }
  | { readonly kind: 'resumed'; readonly bridge: string; readonly leg: LegName; readonly stream: number }
  | {
      readonly kind: 'orphan-ended';
      readonly bridge: string;
      readonly why: 'silent' | 'too-old';
      readonly stats: BridgeStats;
    }
  /** With every bridge that media has: none after it was started anew. */
  | { readonly kind: 'up'; readonly boot: string; readonly bridges: readonly BridgeSummary[] }
  | { readonly kind: 'down'; readonly why: 'lost' | 'replaced' | 'closed' };

/** Stable identifiers; a released code is never renamed or reused. */
export const MEDIA_ERROR_CODES = [
  'MEDIA_NO_PORTS',
  'MEDIA_BIND_FAILED',
  'MEDIA_BAD_REQUEST',
  'MEDIA_BAD_ADDRESS',
  'MEDIA_LOOP',
  'MEDIA_UNKNOWN_BRIDGE',
  'MEDIA_NOT_CONTROLLER',
  'MEDIA_BUSY',
  'MEDIA_DOWN',
  'MEDIA_TIMEOUT',
  'MEDIA_INTERNAL',
] as const;
export type MediaErrorCode = (typeof MEDIA_ERROR_CODES)[number];

/** Everything a `MediaPort` rejects with. Match on `code`, never on `message`. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
  readonly code: MediaErrorCode;

  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface MediaPort {
  /** Makes a bridge, or adds streams or a leg's new address to one that exists: what it has keeps its ports. */
  allocate(request: AllocateRequest): Promise<Readonly<Record<LegName, readonly StreamLocal[]>>>;
  /** After each offer or answer of a leg. The same description again changes nothing. */
  connect(request: ConnectRequest): Promise<void>;
  /** Ends a bridge and frees its ports. `undefined` if there is none. */
  release(bridge: string): Promise<BridgeStats | undefined>;
  list(): Promise<readonly BridgeSummary[]>;
  /** Takes over bridges of a signalling process that is gone; answers with those that exist. */
  adopt(bridges: readonly string[]): Promise<readonly string[]>;
  onEvent(handler: (event: MediaEvent) => void): void;
}
