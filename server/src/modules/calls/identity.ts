/** Who calls, as the callee's phone and the record show it. A caller cannot choose it: it is the directory's, or a trusted network's word. */
import { decode, encode, formatHost, type Octets, octets } from '@strowger/proto';
import { displayName, escapeUser, formatDisplay, unquote, userText } from '@strowger/sip';
import type { Callee, Exchange } from '../../kernel/exchange.ts';
import type { DirectoryService } from '../directory/api.ts';
import type { Party } from './api.ts';

export interface Identity {
  readonly party: Party;
  /** name-addr for From, without tag. */
  readonly nameAddr: Octets;
}

export function callerOf(exchange: Exchange, people: DirectoryService): Identity {
  const { principal, request } = exchange;
  if (principal.kind === 'device') {
    const { tenant, extension, device } = principal;
    const name = people.byExtension(tenant, extension)?.name ?? extension;
    return {
      party: { kind: 'device', number: extension, name, device },
      nameAddr: nameAddrOf(name, extension, people.domainOf(tenant)),
    };
  }
  const { uri, display } = request.from;
  const number = userText(uri) || 'unknown';
  const host = uri.kind === 'sip' ? uri.host : encode(formatHost(exchange.flow.remote.address));
  const shown = display === undefined ? undefined : unquote(display);
  const address = octets`<sip:${escapeUser(number)}@${host}>`;
  return {
    party: { kind: 'network', number, ...(shown === undefined ? {} : { name: decode(shown) }) },
    // Octet for octet: what is no UTF-8, or holds a NUL, is the network's word all the same.
    nameAddr: shown === undefined ? address : octets`${formatDisplay(shown)} ${address}`,
  };
}

export function calleeOf({ tenant, extension, name }: Callee, people: DirectoryService): Identity {
  return {
    party: { kind: 'device', number: extension, name },
    nameAddr: nameAddrOf(name, extension, people.domainOf(tenant)),
  };
}

function nameAddrOf(name: string, extension: string, domain: Octets): Octets {
  return octets`${displayName(name)} <sip:${escapeUser(extension)}@${domain}>`;
}
