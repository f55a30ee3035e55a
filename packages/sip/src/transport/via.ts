/** Vias: the one we write, what we add to a peer's, and how we know our own again. RFC 3261 §18, RFC 3581. */
import {
  bareHost,
  type Destination,
  encode,
  type Flow,
  formatHost,
  lowerAscii,
  type Octets,
  octets,
  type TransportName,
} from '@strowger/proto';
import type { Via } from '../message/headers/via.ts';
import { hasParam, param, withoutParam, withParam } from '../message/params.ts';
import { defaultPort, type Local, sentBy } from './local.ts';

const PROTOCOLS: Readonly<Record<TransportName, Octets>> = {
  udp: octets`SIP/2.0/UDP`,
  tcp: octets`SIP/2.0/TCP`,
  tls: octets`SIP/2.0/TLS`,
  ws: octets`SIP/2.0/WS`,
  wss: octets`SIP/2.0/WSS`,
};

/** Our Via value for a packet to there. `rport` always: whoever sits between us sees where we really are (RFC 3581 §3). */
export function ourVia(local: Local, to: Destination, branch: Octets): Octets {
  return octets`${PROTOCOLS[local.transport]} ${sentBy(local, to)};rport;branch=${branch}`;
}

/**
 * The peer's Via with the truth about where the request came from, or `undefined` when it says nothing else already.
 * A `received` or `rport` value that the peer wrote itself is overwritten: only the socket is believed.
 */
export function markReceived(via: Via, { remote }: Flow): Via | undefined {
  const { params } = via;
  const wantsPort = hasParam(params, 'rport');
  const elsewhere = bareHost(via.host) !== remote.address;
  // RFC 3581 §4: with `rport` comes `received`, even if the host is the source address.
  if (!wantsPort && !elsewhere) {
    return hasParam(params, 'received') ? { ...via, params: withoutParam(params, 'received') } : undefined;
  }
  const address = encode(remote.address);
  const received = param(params, 'received') === address ? params : withParam(params, 'received', address);
  return { ...via, params: wantsPort ? withParam(received, 'rport', octets`${remote.port}`) : received };
}

/** The port of a sent-by, with the default of its transport. */
export function viaPort(via: Via, transport: TransportName): number {
  return via.port === undefined || via.port === 0 ? defaultPort(transport) : via.port;
}

/** Knows what we put into Vias, so that a response to somebody else's request is dropped (RFC 3261 §18.1.2). */
export class OurNames {
  readonly #names = new Set<string>();
  readonly #ports = new Set<number>();

  constructor(locals: readonly Local[]) {
    for (const { transport, address, sentBy: advertised } of locals) {
      this.#ports.add(address.port);
      this.#names.add(`${formatHost(address.address)}:${address.port}`);
      if (advertised) {
        const host = lowerAscii(encode(advertised.host));
        this.#names.add(`${host}:${advertised.port ?? defaultPort(transport)}`);
      }
    }
  }

  has(via: Via, { transport, local }: Flow): boolean {
    const host = lowerAscii(via.host);
    const port = via.port ?? defaultPort(transport);
    return this.#names.has(`${host}:${port}`) || (bareHost(host) === local.address && this.#ports.has(port));
  }
}
