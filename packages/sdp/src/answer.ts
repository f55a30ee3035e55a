/** Making offers (RFC 3264 §5) and answers (§6) from what one can do. Pure: ports and ids are given. */
import { equalsIgnoreCase, type Octets, octets } from '@strowger/proto';
import {
  type Attribute,
  formatFmtp,
  formatRtcp,
  formatRtpmap,
  parseFmtp,
  parseRtpmap,
  type Rtpmap,
} from './attributes.ts';
import { attribute, directionOf, type MediaDescription, type SessionDescription } from './description.ts';
import { answerDirection, type Direction } from './direction.ts';
import { familyOfAddress, type Origin } from './fields.ts';

/** A codec (or telephone-event, comfort noise) one can send and receive. */
export interface FormatCapability extends Rtpmap {
  /** `a=fmtp` parameters to state with it. */
  readonly parameters?: Octets;
}

/** One stream one can take part in. */
export interface MediaCapability {
  readonly kind: Octets;
  /** RTP/AVP if absent. */
  readonly protocol?: Octets;
  readonly address: Octets;
  readonly port: number;
  /** Stated when it is not port + 1. */
  readonly rtcpPort?: number;
  readonly rtcpMux?: boolean;
  /** In order of preference; an answer keeps the offerer's order (§6.1). */
  readonly formats: readonly FormatCapability[];
  /** `sendrecv` if absent. */
  readonly direction?: Direction;
  readonly ptime?: number;
}

export interface Capabilities {
  readonly origin: Origin;
  readonly media: readonly MediaCapability[];
}

/** The first offer: every stream one can do. */
export function makeOffer({ origin, media }: Capabilities): SessionDescription {
  const streams = media.map((own) =>
    describe(
      own,
      own.formats.map((format) => [octets`${format.payloadType}`, format]),
      own.direction ?? 'sendrecv',
    ),
  );
  return { ...frame(origin), media: streams };
}

/** The answer: one stream for each offered, in order, with port 0 for what one cannot or will not do. */
export function makeAnswer(offer: SessionDescription, { origin, media }: Capabilities): SessionDescription {
  const free = [...media];
  const streams = offer.media.map((offered) => {
    const at = free.findIndex((own) => own.kind === offered.kind && (own.protocol ?? AVP) === offered.protocol);
    const own = free[at];
    if (offered.port === 0 || !own) return refused(offered);
    const common = commonFormats(offered, own);
    // Events and noise alone make no stream.
    if (!common.some(([, format]) => !isAuxiliary(format))) return refused(offered);
    free.splice(at, 1);
    const direction = answerDirection(directionOf(offered, offer), own.direction ?? 'sendrecv');
    return describe(
      { ...own, rtcpMux: own.rtcpMux === true && attribute(offered, 'rtcp-mux') !== undefined },
      common,
      direction,
    );
  });
  // RFC 3264 §6: the answer's time is the offer's.
  const others = offer.others.filter(({ type }) => type === 't');
  return { ...frame(origin), others, media: streams };
}

/** The refusal of a stream: everything as offered, with port 0 (§6). */
export function refused({ kind, protocol, formats }: MediaDescription): MediaDescription {
  return {
    kind,
    port: 0,
    protocol,
    formats: formats.length === 0 ? ['0' as Octets] : formats,
    attributes: [],
    others: [],
  };
}

/** What each format of a stream stands for: by its `a=rtpmap`, else by RFC 3551. */
export function codecsOf(media: MediaDescription): ReadonlyMap<Octets, FormatCapability> {
  const maps = new Map<string, Rtpmap>();
  const parameters = new Map<Octets, Octets>();
  for (const { name, value } of media.attributes) {
    if (value === undefined) continue;
    if (name === 'rtpmap') {
      const map = parseRtpmap(value);
      if (map.ok && !maps.has(`${map.value.payloadType}`)) maps.set(`${map.value.payloadType}`, map.value);
    } else if (name === 'fmtp') {
      const fmtp = parseFmtp(value);
      if (fmtp.ok && !parameters.has(fmtp.value.format)) parameters.set(fmtp.value.format, fmtp.value.parameters);
    }
  }
  const codecs = new Map<Octets, FormatCapability>();
  for (const format of media.formats) {
    const map = maps.get(format) ?? STATIC.get(format);
    const own = parameters.get(format);
    if (map) codecs.set(format, own === undefined ? map : { ...map, parameters: own });
  }
  return codecs;
}

/** Whether two mean the same codec, whatever number it goes by. */
export function sameCodec(a: Rtpmap, b: Rtpmap): boolean {
  return (
    equalsIgnoreCase(a.encoding, b.encoding) && a.clockRate === b.clockRate && (a.channels ?? 1) === (b.channels ?? 1)
  );
}

/** The static payload types still met, RFC 3551 §6. */
const STATIC: ReadonlyMap<string, Rtpmap> = new Map(
  (
    [
      [0, 'PCMU', 8000],
      [3, 'GSM', 8000],
      [4, 'G723', 8000],
      [8, 'PCMA', 8000],
      [9, 'G722', 8000],
      [13, 'CN', 8000],
      [18, 'G729', 8000],
      [31, 'H261', 90_000],
      [34, 'H263', 90_000],
    ] as const
  ).map(([payloadType, encoding, clockRate]) => [
    `${payloadType}`,
    { payloadType, encoding: encoding as string as Octets, clockRate },
  ]),
);

const AVP = 'RTP/AVP' as Octets;

type Chosen = readonly [format: Octets, codec: FormatCapability];

/** In the offerer's order and under the offerer's numbers, with our own parameters. */
function commonFormats(offered: MediaDescription, own: MediaCapability): Chosen[] {
  const chosen: Chosen[] = [];
  for (const [format, codec] of codecsOf(offered)) {
    const mine = own.formats.find((candidate) => sameCodec(candidate, codec));
    if (mine) chosen.push([format, mine]);
  }
  return chosen;
}

function isAuxiliary({ encoding }: FormatCapability): boolean {
  return equalsIgnoreCase(encoding, 'telephone-event' as Octets) || equalsIgnoreCase(encoding, 'CN' as Octets);
}

function describe(own: MediaCapability, chosen: readonly Chosen[], direction: Direction): MediaDescription {
  const attributes: Attribute[] = [];
  const add = (name: string, value?: Octets) =>
    attributes.push(value === undefined ? { name: name as Octets } : { name: name as Octets, value });
  for (const [format, codec] of chosen) {
    add('rtpmap', formatRtpmap({ ...codec, payloadType: Number(format) }));
    if (codec.parameters !== undefined) add('fmtp', formatFmtp({ format, parameters: codec.parameters }));
  }
  if (own.ptime !== undefined) add('ptime', octets`${own.ptime}`);
  if (own.rtcpPort !== undefined && own.rtcpPort !== own.port + 1) add('rtcp', formatRtcp({ port: own.rtcpPort }));
  if (own.rtcpMux) add('rtcp-mux');
  add(direction);
  return {
    kind: own.kind,
    port: own.port,
    protocol: own.protocol ?? AVP,
    formats: chosen.map(([format]) => format),
    connection: { family: familyOfAddress(own.address), address: own.address },
    attributes,
    others: [],
  };
}

function frame(origin: Origin): Omit<SessionDescription, 'media'> {
  return { origin, name: '-' as Octets, attributes: [], others: [] };
}
