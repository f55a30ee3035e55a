/** Checks of what signalling asks: shapes at the socket's edge, addresses for every caller. */
import { canonicalIp, isLoopback, isMany, isUnspecified, sameFamily } from './address.ts';
import type { Leg } from './bridge.ts';
import {
  type AllocateRequest,
  type ConnectRequest,
  DIRECTIONS,
  type Direction,
  LEG_NAMES,
  type LegName,
  type LegRequest,
  MediaError,
  type StreamRemote,
} from './port.ts';

export const MAX_STREAMS = 16;
const MAX_ID = 128;
const MAX_IDS = 1024;

/** An address of ours, canonical, and one of the allowed. */
export function checkedBind(bind: string, allowed: readonly string[] | undefined): string {
  const address = canonicalIp(bind);
  if (address === undefined || (allowed && !allowed.includes(address))) {
    throw new MediaError('MEDIA_BAD_ADDRESS', 'not a media address of this machine');
  }
  return address;
}

/** The same with canonical addresses that the leg's socket can reach and that are one host's. */
export function checkedConnect(request: ConnectRequest, { bind, streams: own }: Leg): ConnectRequest {
  const { bridge, leg, streams } = request;
  if (streams.length > own.length) throw bad('more streams than were allocated');
  const source = request.source === undefined ? undefined : canonicalIp(request.source);
  if (request.source !== undefined && source === undefined) throw badAddress('source is no IP address');
  return {
    bridge,
    leg,
    ...(source === undefined ? {} : { source }),
    streams: streams.map((remote) => remote && { ...remote, address: checkedRemote(remote, bind) }),
  };
}

function checkedRemote({ address: text, port }: StreamRemote, bind: string): string {
  const address = canonicalIp(text);
  if (port === 0) return address ?? '0.0.0.0';
  if (address === undefined) throw badAddress('a remote address is no IP address');
  if (isUnspecified(address)) return address;
  if (!sameFamily(address, bind)) throw badAddress('a remote address is of another family than the leg');
  if (isMany(address)) throw badAddress('a remote address is multicast or broadcast');
  // From an outer address nobody is to reach what listens on this machine's inside.
  if (isLoopback(address) && !isLoopback(bind)) throw badAddress('a loopback address from a leg that is not');
  return address;
}

/** What came over the socket as `allocate`. */
export function readAllocate(value: unknown): AllocateRequest {
  const { bridge, legs, streams } = object(value);
  const { a, b } = object(legs);
  const count = integer(streams, 0, MAX_STREAMS);
  return { bridge: readBridge(bridge), legs: { a: readLeg(a), b: readLeg(b) }, streams: count };
}

export function readConnect(value: unknown): ConnectRequest {
  const { bridge, leg, source, streams } = object(value);
  const name = LEG_NAMES.find((known) => known === leg);
  if (name === undefined) throw bad('leg is neither a nor b');
  const list = array(streams, MAX_STREAMS).map((stream) => (stream === null ? null : readRemote(stream)));
  return {
    bridge: readBridge(bridge),
    leg: name satisfies LegName,
    ...(source === undefined ? {} : { source: string(source, 64) }),
    streams: list,
  };
}

export const readBridge = (value: unknown): string => string(value, MAX_ID);

export const readCursor = (value: unknown): number => integer(value ?? 0, 0, Number.MAX_SAFE_INTEGER);

export const readBridges = (value: unknown): readonly string[] => array(value, MAX_IDS).map(readBridge);

function readLeg(value: unknown): LegRequest {
  const { bind, ports } = object(value);
  return {
    bind: string(bind, 64),
    ...(ports === undefined ? {} : { ports: array(ports, MAX_STREAMS).map((port) => integer(port, 0, 65_535)) }),
  };
}

function readRemote(value: unknown): StreamRemote {
  const { address, port, rtcpPort, direction, clockRates } = object(value);
  return {
    address: string(address, 64),
    port: integer(port, 0, 65_535),
    rtcpPort: integer(rtcpPort ?? 0, 0, 65_535),
    ...(direction === undefined ? {} : { direction: readDirection(direction) }),
    ...(clockRates === undefined ? {} : { clockRates: readRates(clockRates) }),
  };
}

function readDirection(value: unknown): Direction {
  const direction = DIRECTIONS.find((known) => known === value);
  if (direction === undefined) throw bad('unknown direction');
  return direction;
}

function readRates(value: unknown): Record<string, number> {
  const rates: Record<string, number> = {};
  for (const [type, rate] of Object.entries(object(value)).slice(0, 32)) rates[type] = integer(rate, 1, 1_000_000);
  return rates;
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('not an object');
  return value as Readonly<Record<string, unknown>>;
}

function array(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw bad(`not a list of at most ${most}`);
  return value;
}

function string(value: unknown, longest: number): string {
  if (typeof value !== 'string' || value === '' || value.length > longest) throw bad(`not a text of 1 to ${longest}`);
  return value;
}

function integer(value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw bad(`not a whole number from ${least} to ${most}`);
  }
  return value as number;
}

const bad = (message: string): MediaError => new MediaError('MEDIA_BAD_REQUEST', message);
const badAddress = (message: string): MediaError => new MediaError('MEDIA_BAD_ADDRESS', message);
