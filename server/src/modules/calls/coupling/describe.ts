/** A description as it crosses the relay: read for what media must know, rewritten for the side it goes to. */
import { encode, isIpv6, type Octets, octets } from '@strowger/proto';
import { findSdp, mediaOf, replaceSdp, rewriteMedia } from '@strowger/sdp';
import type { StreamLocal, StreamRemote } from '../../../media/port.ts';
import { MAX_STREAMS } from '../../../media/requests.ts';
import type { Body } from '../leg.ts';

/** How many streams a body describes; undefined when it has no description that can be read, or more than media takes. */
export function streamsIn(body: Body): number | undefined {
  const sdp = findSdp(body.type, body.text);
  if (!sdp.ok || sdp.value === undefined) return undefined;
  const media = mediaOf(sdp.value.text);
  return media.ok && media.value.length <= MAX_STREAMS ? media.value.length : undefined;
}

/** What a body says of where its maker receives. */
export function remotesIn(body: Body): readonly (StreamRemote | null)[] {
  const sdp = findSdp(body.type, body.text);
  if (!sdp.ok || sdp.value === undefined) return [];
  const media = mediaOf(sdp.value.text);
  if (!media.ok) return [];
  return media.value.map(({ address, port, rtcpPort, direction }) =>
    port === 0 ? null : { address, port, rtcpPort, direction },
  );
}

/**
 * The body for the other side: our ports in the place of its maker's, and our origin, so that a leg sees one coherent
 * session whoever is behind it (RFC 3264 §8). Undefined when it cannot be read.
 */
export function across(
  body: Body,
  o: { readonly streams: readonly StreamLocal[]; readonly call: string; readonly version: number },
): Body | undefined {
  const sdp = findSdp(body.type, body.text);
  if (!sdp.ok || sdp.value === undefined) return undefined;
  const [first] = o.streams;
  const rewritten = rewriteMedia(sdp.value.text, {
    streams: o.streams,
    ...(first === undefined ? {} : { origin: originOf(first.address, o.call, o.version) }),
  });
  return rewritten.ok ? { type: body.type, text: replaceSdp(body.text, sdp.value, rewritten.value) } : undefined;
}

function originOf(address: string, call: string, version: number) {
  const family: 4 | 6 = isIpv6(address) ? 6 : 4;
  return {
    username: octets`-`,
    sessionId: sessionId(call),
    version: octets`${version}`,
    family,
    address: encode(address),
  };
}

/** Digits that stay the same for the call: its random id, read as a number. */
function sessionId(call: string): Octets {
  return octets`${Number.parseInt(call.slice(0, 12), 16) || 1}`;
}
