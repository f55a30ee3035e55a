/** What one address may use up. */
import { type ServiceKey, serviceKey } from '../../kernel/module.ts';

export interface LimitsService {
  /** An authentication failed: wrong credentials, not the ordinary first 401. */
  failed(address: string): void;
}

export const limits: ServiceKey<LimitsService> = serviceKey('limits');
