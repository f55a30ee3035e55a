/** What went over the virtual network, as people draw it: for the message of a test that failed. */
import type { Octets } from '@strowger/proto';
import type { PacketRecord } from './virtual-network.ts';

const COLUMN = 16;

export interface LadderOptions {
  /** Hosts in the order of their columns; default: in order of appearance. */
  readonly hosts?: readonly string[];
  /** The last so many packets only. */
  readonly last?: number;
}

/**
 *     0.000  |--------------->|                |  INVITE sip:bob@example.test SIP/2.0  (1 INVITE)
 */
export function formatLadder(packets: readonly PacketRecord[], options: LadderOptions = {}): string {
  const shown = options.last === undefined ? packets : packets.slice(-options.last);
  const hosts = [...(options.hosts ?? new Set(shown.flatMap((p) => [p.fromHost, p.toHost ?? p.to.address])))];
  const lines = [
    `${' '.repeat(10)}${hosts.map((host) => host.slice(0, COLUMN - 1).padEnd(COLUMN)).join('')}`.trimEnd(),
  ];
  for (const packet of shown) {
    const from = hosts.indexOf(packet.fromHost);
    const to = hosts.indexOf(packet.toHost ?? packet.to.address);
    if (from < 0 || to < 0) continue;
    const time = (packet.at / 1000).toFixed(3).padStart(8);
    lines.push(`${time}  ${arrow(hosts.length, from, to, packet)}  ${describe(packet)}`);
  }
  return lines.join('\n');
}

function arrow(columns: number, from: number, to: number, packet: PacketRecord): string {
  const cells = new Array<string>((columns - 1) * COLUMN + 1).fill(' ');
  for (let i = 0; i < columns; i += 1) cells[i * COLUMN] = '|';
  const [left, right] = from < to ? [from, to] : [to, from];
  const arrived = packet.fate === 'arrived' || packet.fate === 'under-way';
  for (let i = left * COLUMN + 1; i < right * COLUMN; i += 1) cells[i] = '-';
  if (from === to) cells[from * COLUMN] = 'o';
  else if (from < to) cells[to * COLUMN - 1] = arrived ? '>' : 'x';
  else cells[to * COLUMN + 1] = arrived ? '<' : 'x';
  return cells.join('');
}

function describe(packet: PacketRecord): string {
  const notes: string[] = [];
  if (packet.transport !== 'udp') notes.push(packet.transport);
  if (packet.fate !== 'arrived') notes.push(packet.fate);
  if (packet.copies > 1) notes.push('twice');
  const tail = notes.length > 0 ? `  [${notes.join(', ')}]` : '';
  const cseq = cseqOf(packet.text);
  return `${firstLine(packet.text)}${cseq === undefined ? '' : `  (${cseq})`}${tail}`;
}

/** The first line, or how many octets there are of what is not text. */
export function firstLine(text: Octets): string {
  const end = text.indexOf('\r\n');
  const line = end < 0 ? text : text.slice(0, end);
  return /^[\x20-\x7e]{1,200}$/.test(line) ? line : `${text.length} octets`;
}

/** `314159 INVITE`, read without a parser: a ladder must not fail where one does. */
export function cseqOf(text: Octets): string | undefined {
  return /\r\nCSeq[ \t]*:[ \t]*(\d{1,10}[ \t]+[\w.-]{1,32})/i.exec(text)?.[1];
}
