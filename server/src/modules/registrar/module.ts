/** Accepts REGISTER (RFC 3261 §10) and keeps the location service up to date. */
import { encode, octets } from '@strowger/proto';
import { composeRegisterResponse, decideRegister, type RegisterVerdict, readRegister } from '@strowger/sip/ua';
import type { ModuleContext } from '../../kernel/context.ts';
import type { Answer, Exchange } from '../../kernel/exchange.ts';
import { defineModule, type ServerModule } from '../../kernel/module.ts';
import { refuseUnsupported } from '../../kernel/option-tags.ts';
import { because } from '../../kernel/reason.ts';
import { type DirectoryService, directory } from '../directory/api.ts';
import { type LocationService, location } from '../location/api.ts';
import { aorOf } from './aor.ts';

/** What a REGISTER may demand of us: RFC 3327 and RFC 5626. */
const OPTIONS: ReadonlySet<string> = new Set(['path', 'outbound']);

export const registrarModule: ServerModule = defineModule({
  name: 'registrar',
  needs: [directory, location],
  offers: [],

  setup(context) {
    const people = context.use(directory);
    const locations = context.use(location);
    context.route({
      name: 'registrar',
      before: ['routing'],
      run: ({ request }) =>
        request.method === 'REGISTER'
          ? (refuseUnsupported(request, OPTIONS) ?? { kind: 'local', reason: because('for-the-registrar') })
          : undefined,
    });
    context.handle('REGISTER', (exchange) => register(context, people, locations, exchange));
  },
});

const FULL: Answer = {
  status: 503,
  reason: because('location-full'),
  fields: [['Retry-After', octets`60`]],
};

function register(
  context: ModuleContext,
  people: DirectoryService,
  locations: LocationService,
  exchange: Exchange,
): Answer | undefined {
  const { request, flow } = exchange;
  const aor = aorOf(exchange, people);
  if ('status' in aor) return aor;
  const read = readRegister(request);
  if (!read.ok) return { status: 400, reason: because('register-malformed', { expected: read.fault.expected }) };
  const wantsMore = read.value.contacts !== '*' && read.value.contacts.length > 0;
  if (wantsMore && !context.canPromise()) {
    return { status: 503, reason: because('journal-cannot-be-written'), fields: [['Retry-After', octets`30`]] };
  }
  const now = context.clock.wall();
  const received = { ...flow, node: 0, boot: locations.boot };
  const { verdict } = locations.update(aor, (all) => {
    const decided = decideRegister(all, read.value, context.config.registrar, received, now);
    // A query changes nothing, and what changes nothing is not written.
    if (decided.status !== 200 || decided.changes.length === 0) return { verdict: decided };
    const more = decided.bindings.length - all.length;
    return more > 0 && !locations.hasRoom(more) ? { verdict: undefined } : { verdict: decided, keep: decided.bindings };
  });
  if (!verdict) {
    context.counters.of('registrar_location_full').value += 1;
    return FULL;
  }
  count(context, verdict);
  if (verdict.status === 200) {
    for (const { kind, binding } of verdict.changes) {
      if (kind !== 'refreshed')
        context.log.info(`binding-${kind}`, { extension: aor.extension, transport: binding.received.transport });
    }
  }
  const fields = [
    ['Date', encode(new Date(now).toUTCString())] as const,
    ['Allow', context.sip.allow()] as const,
    ['Server', octets`Strowger`] as const,
  ];
  const text = composeRegisterResponse(request, verdict, { now, toTag: context.sip.token(), fields });
  context.sip.respond({ key: exchange.key, callId: request.callId }, text, because(verdict.code));
  return undefined;
}

function count(context: ModuleContext, verdict: RegisterVerdict): void {
  context.counters.of(`registrar_${verdict.code.replaceAll('-', '_')}`).value += 1;
}
