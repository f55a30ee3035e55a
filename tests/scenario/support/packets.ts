/** The record of packets as tests look at it: which are SIP, what each is in a line, and all of them as one number. */
import { createHash } from 'node:crypto';
import { formatLadder, type PacketRecord, type VirtualNetwork } from '@strowger/testkit';

/** RTP begins with 0x80. */
export const isSip = ({ text }: PacketRecord): boolean => text.charCodeAt(0) < 0x80;

/** Sender, receiver, and the method or the status with its method. */
export function lineOf({ fromHost, toHost, to, text, fate }: PacketRecord): string {
  const [first = '', second = ''] = text.split(' ', 2);
  const method = /\r\nCSeq: \d+ (\w+)/.exec(text)?.[1] ?? '';
  const what = first === 'SIP/2.0' ? `${second} ${method}` : first;
  const lost = fate === 'lost' || fate === 'dropped' || fate === 'refused' ? ' ✗' : '';
  return `${fromHost} → ${toHost ?? to.address} ${what}${lost}`;
}

export const ladderOf = ({ packets }: VirtualNetwork): string => formatLadder(packets.filter(isSip));

/** Two runs with the same hash were the same run, to the last octet and the last fraction of a millisecond. */
export function hashOf({ packets }: VirtualNetwork): string {
  const hash = createHash('sha256');
  for (const { at, arrives, transport, from, to, fate, copies, text } of packets) {
    hash.update(
      `${at} ${arrives} ${transport} ${from.address}:${from.port} ${to.address}:${to.port} ${fate} ${copies} `,
    );
    hash.update(text, 'latin1');
  }
  return hash.digest('hex');
}
