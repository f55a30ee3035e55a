/** Makes a fork's leg: an INVITE to one binding of the callee (RFC 3261 §13.2.1), in our name and with our ports. */
import { type Octets, octets, randomHex } from '@strowger/proto';
import type { Field } from '@strowger/sip';
import { startOutgoing } from '@strowger/sip/ua';
import type { Plan, Target } from '../../kernel/exchange.ts';
import type { Principal } from '../../kernel/principal.ts';
import { ALL_RIGHTS } from '../../kernel/principal.ts';
import { destinationFor } from '../../kernel/way.ts';
import type { Body } from './leg.ts';
import type { LiveCall } from './live-call.ts';
import { type LegPlace, wayTo } from './place.ts';
import { type Switchboard, seedOf } from './switchboard.ts';

export interface Ringing {
  readonly plan: Extract<Plan, { kind: 'targets' }>;
  readonly from: Octets;
  readonly to: Octets;
  /** Max-Forwards of the new INVITE: one less than of the caller's, so that a call that comes back to us ends. */
  readonly hops: number;
}

export function ringFork(
  board: Switchboard,
  call: LiveCall,
  id: string,
  ringing: Ringing,
  body: Body | undefined,
): void {
  const { context, locations } = board;
  const target = ringing.plan.targets[Number(id.slice(1)) - 1];
  if (!target) return;
  const { tenant } = ringing.plan.callee;
  const place: LegPlace = {
    tenant,
    flow: target.flow,
    boot: locations.boot,
    extension: target.aor,
    binding: target.bindingKey,
  };
  const way = wayTo(place, locations);
  const towards = destinationFor(target.path[0] ?? target.uri, way, context.sip) ?? { kind: 'flow', flow: way.flow };
  const [usage, outputs] = startOutgoing(
    {
      uri: target.uri,
      route: target.path,
      from: ringing.from,
      to: ringing.to,
      callId: octets`${randomHex(context.random, 12) as Octets}`,
      localTag: context.sip.token(),
      contact: context.sip.contact(context.sip.token(), towards),
      maxForwards: ringing.hops,
      fields: fieldsOf(board),
      ...(body === undefined ? {} : { body }),
      autoAck: body !== undefined,
      noAnswer: context.config.calls.ringSeconds * 1000,
      seed: seedOf(call.facts.id),
    },
    context.clock.now(),
  );
  const leg = board.addLeg(call, id, principalOf(target, ringing), place);
  if (leg.begin(usage, outputs)) return;
  call.legs.delete(id);
  call.onLegEvent(id, { kind: 'ended', by: 'local', cause: 'too-many-dialogs', status: 503 });
}

function fieldsOf({ context }: Switchboard): readonly Field[] {
  return [
    ['Allow', context.sip.allow()],
    ['User-Agent', octets`Strowger`],
    // §13.3.1: should we be killed meanwhile, the phone stops ringing by itself.
    ['Expires', octets`${context.config.calls.ringSeconds}`],
  ];
}

function principalOf({ aor, bindingKey }: Target, { plan }: Ringing): Principal {
  return {
    kind: 'device',
    tenant: plan.callee.tenant,
    person: plan.callee.name,
    device: bindingKey,
    extension: aor,
    proof: 'dialog',
    rights: ALL_RIGHTS,
  };
}
