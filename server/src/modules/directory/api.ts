/** People, their extensions and their devices, as the signalling thread knows them: in memory, never by a query. */
import type { Octets } from '@strowger/proto';
import type { SipUri, TelUri } from '@strowger/sip';
import type { DigestAlgorithm } from '@strowger/sip/auth';
import { type ServiceKey, serviceKey } from '../../kernel/module.ts';

/** The one tenant there is until an administrator makes more. */
export const DEFAULT_TENANT = 'default';

export interface Extension {
  readonly extension: string;
  readonly person: string;
  readonly name: string;
  readonly disabled: boolean;
}

export interface Device {
  readonly tenant: string;
  readonly person: string;
  readonly device: string;
  readonly extension: string;
  readonly name: string;
  readonly algorithms: readonly DigestAlgorithm[];
}

export interface DirectoryService {
  /** The tenant of requests that name none. */
  readonly defaultTenant: string;
  /** The tenant whose domain this is; undefined for a host that is none of ours. */
  tenantOf(host: Octets): string | undefined;
  /** Whether requests to this host are for us: a domain of ours, or an address we listen on. */
  isOurs(host: Octets): boolean;
  /** The realm and domain of a tenant. */
  domainOf(tenant: string): Octets;
  /** By the extension that a URI names. */
  find(tenant: string, uri: SipUri | TelUri): Extension | undefined;
  extensionOf(tenant: string, uri: SipUri | TelUri): string | undefined;
  byExtension(tenant: string, extension: string): Extension | undefined;
  /** By the user name of its credentials. */
  device(tenant: string, user: Octets): Device | undefined;
  /** RFC 7616 §3.4.2 A1 hashed, derived in memory: realm and algorithm may change. */
  ha1(device: Device, algorithm: DigestAlgorithm): Octets;
}

export const directory: ServiceKey<DirectoryService> = serviceKey('directory');
