/** Secrets at rest, and the keys that guard them. */
import type { Octets } from '@strowger/proto';

/** What the key files of the data folder give. */
export interface Secrets {
  /** Authenticates nonces; survives restarts. */
  readonly nonceKey: Octets;
  /** Opens what `seal` closed; throws when the key is not the one. */
  open(sealed: string, about: string): string;
  seal(plain: string, about: string): string;
  /** Tells whether two secrets are the same without opening either. */
  mark(plain: string, about: string): string;
}
