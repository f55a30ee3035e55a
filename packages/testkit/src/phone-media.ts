/** The little of SDP that a scripted phone says and reads. No media flows on the virtual network. */
import { encode, isIpv6, type Octets, octets, type SocketAddress } from '@strowger/proto';
import type { Body } from '@strowger/sip/dialog';

export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export const SDP: Octets = octets`application/sdp`;

/** An audio description; `version` goes up with each change (RFC 3264 §8). */
export function describeAudio(local: SocketAddress, version: number, direction: MediaDirection): Body {
  const address = encode(local.address);
  const family = isIpv6(local.address) ? octets`IP6` : octets`IP4`;
  const text = octets`v=0\r
o=- 1 ${version} IN ${family} ${address}\r
s=-\r
c=IN ${family} ${address}\r
t=0 0\r
m=audio ${local.port} RTP/AVP 0 8 101\r
a=rtpmap:101 telephone-event/8000\r
a=${encode(direction)}\r
`;
  return { type: SDP, text };
}

/** What a description says of its first stream. */
export interface HeardAudio {
  readonly address: string;
  readonly port: number;
  readonly direction: MediaDirection;
}

export function readAudio(text: Octets): HeardAudio | undefined {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const media = lines.find((line) => line.startsWith('m='));
  const connection = lines.findLast((line) => line.startsWith('c='));
  if (media === undefined) return undefined;
  const attribute = lines.findLast((line) => DIRECTIONS.includes(line.slice(2)) && line.startsWith('a='));
  return {
    address: connection?.split(' ')[2] ?? '',
    port: Number(media.split(' ')[1]),
    direction: (attribute?.slice(2) ?? 'sendrecv') as MediaDirection,
  };
}

const DIRECTIONS: readonly string[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

/** RFC 3264 §6.1: what may be answered, given what we want. */
export function answerDirection(offered: MediaDirection, wanted: MediaDirection): MediaDirection {
  const sends = (offered === 'sendrecv' || offered === 'recvonly') && (wanted === 'sendrecv' || wanted === 'sendonly');
  const hears = (offered === 'sendrecv' || offered === 'sendonly') && (wanted === 'sendrecv' || wanted === 'recvonly');
  if (sends) return hears ? 'sendrecv' : 'sendonly';
  return hears ? 'recvonly' : 'inactive';
}
