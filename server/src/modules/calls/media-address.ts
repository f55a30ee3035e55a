/** On which of our addresses media is received from a phone: a configured one of its family, else the one its SIP came to. */
import { type Flow, isIpv6 } from '@strowger/proto';
import type { Config } from '../../config/schema.ts';

export function mediaAddress(config: Pick<Config, 'media'>, { local }: Flow): string {
  const family = isIpv6(local.address);
  return config.media.addresses.find((address) => isIpv6(address) === family) ?? local.address;
}
