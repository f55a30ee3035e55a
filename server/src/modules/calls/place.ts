/** Where a leg's other end is: a device by its name (never a socket), and the flow it last used. */
import type { Flow } from '@strowger/proto';
import type { Way } from '../../kernel/way.ts';
import type { LocationService } from '../location/api.ts';

export interface LegPlace {
  readonly tenant: string;
  readonly flow: Flow;
  /** The boot that `flow` is of: a connection number means nothing to another. */
  readonly boot: string;
  /** Extension and key of its binding, where it has registered. */
  readonly extension?: string;
  readonly binding?: string;
}

/** The way to it now: a request within a call goes to the device's newest flow (RFC 5626 §5.3 in spirit). */
export function wayTo(place: LegPlace, locations: LocationService): Way {
  const { tenant, extension, binding: key, flow, boot } = place;
  const binding = extension === undefined || key === undefined ? undefined : locations.find({ tenant, extension }, key);
  const device = extension !== undefined;
  if (binding) return { flow: locations.flowOf(binding), device };
  if (flow.connection === undefined || boot === locations.boot) return { flow, device };
  return { flow: { ...flow, connection: -1 }, device };
}
