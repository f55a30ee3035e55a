/** Where devices are: what the registrar writes and everybody else reads. */
import type { Flow } from '@strowger/proto';
import type { Binding } from '@strowger/sip/ua';
import { type ServiceKey, serviceKey } from '../../kernel/module.ts';

export type { Binding, BindingFlow } from '@strowger/sip/ua';

export interface Aor {
  readonly tenant: string;
  readonly extension: string;
}

export interface LocationService {
  /** Bindings that have not expired. */
  bindings(aor: Aor): readonly Binding[];
  find(aor: Aor, key: string): Binding | undefined;
  /** Reads, decides and, when the decision keeps any, writes: all at once, for the signalling thread has one writer. */
  update<V extends { readonly keep?: readonly Binding[] }>(aor: Aor, decide: (all: readonly Binding[]) => V): V;
  /** Whether so many more bindings fit in this node. */
  hasRoom(more: number): boolean;
  /** The flow a binding was made by; of another boot, its connection is gone. */
  flowOf(binding: Binding): Flow;
  /** This boot's name, for the flows of new bindings. */
  readonly boot: string;
  readonly size: number;
}

export const location: ServiceKey<LocationService> = serviceKey('location');
