/** What one address may use up. */
import { type ServiceKey, serviceKey } from '../../kernel/module.ts';

export interface LimitsService {
  /** An authentication failed: wrong credentials, not the ordinary first 401. */
  failed(address: string): void;
  /** False for an address that has failed too often: what it says of itself is not looked at for a while. */
  mayTry(address: string): boolean;
}

export const limits: ServiceKey<LimitsService> = serviceKey('limits');
