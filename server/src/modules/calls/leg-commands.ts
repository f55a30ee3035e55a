/** A leg's commands in the words of the INVITE usage. */
import { encode, octets } from '@strowger/proto';
import type { Field } from '@strowger/sip';
import type { Command, WireInput } from '@strowger/sip/ua';
import type { ModuleContext } from '../../kernel/context.ts';
import type { Reason } from '../../kernel/reason.ts';
import type { Body, LegCommand } from './leg.ts';

/** An input of the INVITE usage without its time: the leg knows what time it is. */
export type UntimedInput = WireInput | Command | { readonly kind: 'tick' };

export function inputOf(command: LegCommand, context: Pick<ModuleContext, 'sip'>): UntimedInput {
  switch (command.kind) {
    case 'progress':
      return { kind: 'progress', status: command.status, ...bodyOf(command.body) };
    case 'answer':
      return { kind: 'answer', fields: [['Allow', context.sip.allow()]], ...bodyOf(command.body) };
    case 'reject':
      return {
        kind: 'reject',
        status: command.status,
        fields: refusal(command.status, command.why, command.retryAfter),
      };
    case 'offer':
      return { kind: 'offer', autoAck: false, retryOnGlare: false, ...bodyOf(command.body) };
    case 'withdraw':
      return { kind: 'withdraw' };
    case 'acknowledge':
      return { kind: 'acknowledge', ...bodyOf(command.body) };
    case 'send': {
      const { method, context: key, info } = command;
      const fields: readonly Field[] = info === undefined ? [] : [['Info-Package', info]];
      return { kind: 'send', method, context: key, fields, ...bodyOf(command.body) };
    }
    case 'respond': {
      const { status } = command;
      const fields: readonly Field[] = status === 405 || status === 200 ? [['Allow', context.sip.allow()]] : [];
      return { kind: 'respond', key: command.key, status, fields };
    }
    case 'hang-up':
      return {
        kind: 'hang-up',
        fields: [reasonField(command.why)],
        ...(command.status === undefined ? {} : { status: command.status }),
      };
  }
}

/** `Reason: SIP;cause=200;text="Call completed elsewhere"` and its kin (RFC 3326): a phone then shows no missed call. */
function reasonField({ code }: Reason): Field {
  if (code === 'answered-elsewhere') return ['Reason', octets`SIP;cause=200;text="Call completed elsewhere"`];
  return ['Reason', octets`Q.850;cause=16;text="${encode(code)}"`];
}

function refusal(status: number, { code }: Reason, retryAfter: number | undefined): readonly Field[] {
  // The reason code is our own word and safe in a quoted-string; the caller's administrator can look it up.
  const warning: Field = ['Warning', octets`399 strowger "${encode(code)}"`];
  if (status === 503 || retryAfter !== undefined) return [warning, ['Retry-After', octets`${retryAfter ?? 5}`]];
  return [warning];
}

const bodyOf = (body: Body | undefined): { readonly body?: Body } => (body === undefined ? {} : { body });
