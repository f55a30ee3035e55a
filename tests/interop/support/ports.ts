/** Ports that are free now, so that a run disturbs nobody; and ports that are in use, to see that none was left open. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const TIME_WAIT = '06';

/** Local ports of every socket on this machine, by protocol (Linux); of a connection that is over none. */
export function portsInUse(protocol: 'udp' | 'tcp'): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const row of [...readTable(`/proc/net/${protocol}`), ...readTable(`/proc/net/${protocol}6`)]) {
    const [, local = '', , state] = row.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (!Number.isNaN(port) && state !== TIME_WAIT) ports.add(port);
  }
  return ports;
}

function readTable(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return []; // Without IPv6 there is no table of it.
  }
}

/** UDP ports that a process has open in a range, one a socket. */
export function openUdpPorts(pid: number, { first, last }: PortRange): readonly number[] {
  const own = new Set<string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      own.add(readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // Closed since it was listed.
    }
  }
  const ports: number[] = [];
  for (const row of [...readTable('/proc/net/udp'), ...readTable('/proc/net/udp6')]) {
    const columns = row.trim().split(/\s+/);
    const port = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16);
    if (port >= first && port <= last && own.has(`socket:[${columns[9]}]`)) ports.push(port);
  }
  return ports.sort((a, b) => a - b);
}

const given = new Set<number>();

/** The first of `count` ports in a row that nobody uses, from a place chosen at random; given once in this process. */
export function freePorts(from: number, to: number, count: number): number {
  const used = new Set([...portsInUse('udp'), ...portsInUse('tcp'), ...given]);
  const slots = Math.floor((to - from + 1) / count);
  const start = Math.floor(Math.random() * slots);
  for (let i = 0; i < slots; i += 1) {
    const first = from + ((start + i) % slots) * count;
    const row = Array.from({ length: count }, (_, j) => first + j);
    if (row.some((port) => used.has(port))) continue;
    for (const port of row) given.add(port);
    return first;
  }
  throw new Error(`no ${count} ports in a row are free between ${from} and ${to}`);
}

// All below 32768: from there on systems give ports to whoever asks for any.

/** For a server's SIP listeners. */
export const serverPorts = (count = 4): number => freePorts(15_000, 15_999, count);
/** For a phone's SIP and control sockets. */
export const phonePorts = (count = 8): number => freePorts(16_000, 17_999, count);
/** For a server's audio. */
export const mediaPorts = (count: number): number => freePorts(20_000, 27_999, count);
/** For a phone's audio. */
export const phoneMediaPorts = (count = 40): number => freePorts(28_000, 29_999, count);
