/** What no schema can say: values that are right alone and wrong together. */
import { formatHost } from '@strowger/proto';
import { addressesMeet } from './network.ts';
import type { ConfigCode } from './problem.ts';
import type { Config } from './schema.ts';

type Report = (code: ConfigCode, path: string, message: string) => void;

export function checkConfig(config: Config, report: Report): void {
  checkPeople(config, report);
  checkListeners(config, report);
  checkRegistrar(config, report);
}

function checkPeople({ people }: Config, report: Report): void {
  const first = new Map<string, number>();
  people.forEach(({ extension }, i) => {
    const before = first.get(extension);
    if (before === undefined) first.set(extension, i);
    else
      report(
        'CONFIG_DUPLICATE',
        `people[${i}].extension`,
        `extension ${extension} is already that of people[${before}]`,
      );
  });
}

interface Claim {
  readonly path: string;
  readonly what: string;
  readonly protocol: 'udp' | 'tcp';
  readonly address: string;
  readonly first: number;
  readonly last: number;
}

/** Two sockets cannot have one port, and the operating system would say so later and less clearly. */
function checkListeners(config: Config, report: Report): void {
  const byPort = new Map<string, Claim[]>();
  const sockets: Claim[] = [
    ...config.listen.map(({ transport, address, port }, i) => ({
      path: `listen[${i}]`,
      what: `${transport}://${formatHost(address)}:${port}`,
      protocol: transport === 'udp' ? ('udp' as const) : ('tcp' as const),
      address,
      first: port,
      last: port,
    })),
    ...config.http.listen.map(({ secure, address, port }, i) => ({
      path: config.http.listen.length === 1 ? 'http.listen' : `http.listen[${i}]`,
      what: `${secure ? 'https' : 'http'}://${formatHost(address)}:${port}`,
      protocol: 'tcp' as const,
      address,
      first: port,
      last: port,
    })),
  ];
  for (const socket of sockets) {
    const key = `${socket.protocol} ${socket.first}`;
    const others = byPort.get(key) ?? [];
    const other = others.find(({ address }) => addressesMeet(address, socket.address));
    if (other)
      report('CONFIG_OVERLAP', socket.path, `${socket.what} claims the same port as ${other.path} (${other.what})`);
    byPort.set(key, [...others, socket]);
  }
  checkMediaPorts(config, sockets, report);
}

function checkMediaPorts({ media }: Config, sockets: readonly Claim[], report: Report): void {
  const { first, last } = media.ports;
  for (const { protocol, address, first: port, path, what } of sockets) {
    if (protocol !== 'udp' || port < first || port > last) continue;
    // Without an address of its own, media is received wherever phones reach us.
    if (media.addresses.length > 0 && !media.addresses.some((own) => addressesMeet(own, address))) continue;
    report('CONFIG_OVERLAP', 'media.ports', `${first}-${last} holds the port of ${path} (${what})`);
  }
}

function checkRegistrar({ registrar }: Config, report: Report): void {
  const { minExpires, defaultExpires, maxExpires } = registrar;
  if (minExpires > maxExpires)
    report('CONFIG_BAD_VALUE', 'registrar.minExpires', `${minExpires} is above maxExpires (${maxExpires})`);
  else if (defaultExpires < minExpires || defaultExpires > maxExpires) {
    report(
      'CONFIG_BAD_VALUE',
      'registrar.defaultExpires',
      `${defaultExpires} is not between minExpires (${minExpires}) and maxExpires (${maxExpires})`,
    );
  }
}
