/** What a relay reads of a packet: enough to tell RTP from RTCP and one source from another, without an object each. */
export const NEITHER = 0;
export const RTP = 1;
export const RTCP = 2;
export type PacketKind = typeof NEITHER | typeof RTP | typeof RTCP;

const FIXED_HEADER = 12;

/**
 * RFC 5761 §4: of one port, second octets 192–223 are RTCP. Version, length, CSRC list and extension must fit (RFC 3550
 * §A.1); padding is left alone, because under SRTP its count is encrypted.
 */
export function classify(bytes: Uint8Array): PacketKind {
  const first = bytes[0] ?? 0;
  if (first >> 6 !== 2 || bytes.length < 8) return NEITHER;
  const second = bytes[1] ?? 0;
  if (second >= 192 && second <= 223) return RTCP;
  const header = FIXED_HEADER + 4 * (first & 0x0f);
  if (bytes.length < header) return NEITHER;
  if ((first & 0x10) === 0) return RTP;
  if (bytes.length < header + 4) return NEITHER;
  return bytes.length >= header + 4 + 4 * uint16(bytes, header + 2) ? RTP : NEITHER;
}

export const payloadType = (bytes: Uint8Array): number => (bytes[1] ?? 0) & 0x7f;
export const sequenceNumber = (bytes: Uint8Array): number => uint16(bytes, 2);
export const timestamp = (bytes: Uint8Array): number => uint32(bytes, 4);
/** The sender's SSRC of an RTP packet. */
export const rtpSsrc = (bytes: Uint8Array): number => uint32(bytes, 8);
/** The sender's SSRC of a compound RTCP packet's first part. */
export const rtcpSsrc = (bytes: Uint8Array): number => uint32(bytes, 4);

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (uint16(bytes, at) * 0x10000 + uint16(bytes, at + 2)) >>> 0;
}
