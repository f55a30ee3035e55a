/** Opens the configured listeners. A wildcard becomes every address of the machine, so that each flow knows its own. */
import { networkInterfaces } from 'node:os';
import { formatSocketAddress, isIpv6, type UdpSet } from '@strowger/proto';
import { isWildcard, type Listener } from '../config/network.ts';
import type { Config } from '../config/schema.ts';
import type { HostTransports } from '../kernel/transports.ts';
import type { SignallingReady } from './messages.ts';

export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: 'LISTEN_FAILED' = 'LISTEN_FAILED';
}

/** Not served yet: they come with certificates and the HTTP API. */
const LATER: ReadonlySet<string> = new Set(['tls', 'ws', 'wss']);

export async function openListeners(
  transports: HostTransports,
  config: Pick<Config, 'listen' | 'given'>,
): Promise<SignallingReady['skipped']> {
  const wished = config.given.includes('listen');
  const skipped: { listener: string; why: string }[] = [];
  for (const listener of config.listen) {
    if (LATER.has(listener.transport)) {
      skipped.push({ listener: urlOf(listener), why: `${listener.transport} is not served yet in this release` });
      continue;
    }
    for (const address of addressesOf(listener)) {
      try {
        await transports.listen(listener.transport, { address, port: listener.port });
      } catch (cause) {
        const why = explain(cause);
        if (wished && !isWildcard(listener.address)) {
          throw new ListenError(`cannot listen on ${urlOf({ ...listener, address })}: ${why}`, { cause });
        }
        skipped.push({ listener: urlOf({ ...listener, address }), why });
      }
    }
  }
  if (transports.listening.length === 0) {
    const reasons = skipped.map(({ listener, why }) => `${listener}: ${why}`).join('; ');
    throw new ListenError(`no listener could be opened (${reasons})`);
  }
  return skipped;
}

/** Better said at the start than by a 503 to each call. */
export async function checkMediaAddresses(udp: UdpSet, { media }: Pick<Config, 'media'>): Promise<void> {
  for (const address of media.addresses) {
    try {
      udp.close(await udp.bind({ address, port: 0 }));
    } catch (cause) {
      const why = explain(cause).replace('`listen`', '`media.address`');
      throw new ListenError(`cannot receive media on ${address}: ${why}`, { cause });
    }
  }
}

function addressesOf({ address }: Listener): readonly string[] {
  if (!isWildcard(address)) return [address];
  const family = isIpv6(address) ? 'IPv6' : 'IPv4';
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // A link-local address works only with a zone, which no SIP URI can carry.
  return all.filter((a) => a.family === family && !a.address.startsWith('fe80:')).map((a) => a.address);
}

const urlOf = ({ transport, address, port }: Listener): string =>
  `${transport}://${formatSocketAddress({ address, port })}`;

function explain(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'EADDRINUSE':
      return 'another program has this port; stop it or choose another under `listen`';
    case 'EACCES':
      return 'this user may not use this port; choose one above 1023 under `listen`';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; correct it under `listen`';
    case 'EAFNOSUPPORT':
      return 'this machine has no IPv6';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
