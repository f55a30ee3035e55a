/** Where a request goes: the extension in its Request-URI, and from there the devices that are registered for it. */
import type { ModuleContext } from '../../kernel/context.ts';
import { type Exchange, type Plan, refuse, type Target, type Verdict } from '../../kernel/exchange.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { refuseUnsupported } from '../../kernel/option-tags.ts';
import { because } from '../../kernel/reason.ts';
import { type DirectoryService, directory, type Extension } from '../directory/api.ts';
import { type Binding, type LocationService, location } from '../location/api.ts';

/** None of those a request to an extension may demand are understood yet. */
const NO_OPTIONS: ReadonlySet<string> = new Set();

export const routingModule: ServerModule = defineModule({
  name: 'routing',
  needs: [directory, location],
  offers: [],

  setup(context) {
    const people = context.use(directory);
    const locations = context.use(location);
    context.route({ name: 'routing', run: (exchange) => route(context, people, locations, exchange) });
  },
});

function route(
  context: ModuleContext,
  people: DirectoryService,
  locations: LocationService,
  exchange: Exchange,
): Plan | Verdict | undefined {
  const { request, principal } = exchange;
  const uri = request.uri;
  if (!uri.ok) return refuse(400, because('request-uri-malformed'));
  if (uri.value.kind === 'other') return refuse(416, because('scheme-not-supported'));
  if (principal.kind === 'anonymous') return undefined;
  const demanded = refuseUnsupported(request, NO_OPTIONS);
  if (demanded) return demanded;
  if (uri.value.kind === 'sip') {
    if (uri.value.user === undefined) return { kind: 'local', reason: because('for-the-server') };
    // A domain belongs to one tenant: another's extensions are as unknown as another world's.
    if (people.tenantOf(uri.value.host) !== principal.tenant) return refuse(404, because('domain-not-served'));
  }
  const extension = people.find(principal.tenant, uri.value);
  if (!extension) return refuse(404, because('extension-unknown'));
  if (extension.disabled) return refuse(480, because('extension-disabled'));
  const bindings = locations.bindings({ tenant: principal.tenant, extension: extension.extension });
  if (bindings.length === 0)
    return refuse(480, because('extension-not-registered', { extension: extension.extension }));
  context.counters.of('routing_found').value += 1;
  return planFor(extension, principal.tenant, bindings, locations);
}

/** Extensions call each other through legs and a bridge, which is what the features of an exchange need. */
function planFor(
  { extension, name }: Extension,
  tenant: string,
  bindings: readonly Binding[],
  locations: LocationService,
): Plan {
  const targets = bindings.map(
    (binding): Target => ({
      uri: binding.uri,
      path: binding.path,
      flow: locations.flowOf(binding),
      aor: extension,
      bindingKey: binding.key,
      q: binding.q,
    }),
  );
  return {
    kind: 'targets',
    mode: 'b2bua',
    callee: { tenant, extension, name },
    targets: targets.sort((a, b) => b.q - a.q),
    reason: because('extension-registered', { extension, devices: targets.length }),
  };
}
