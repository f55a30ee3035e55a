/** `Replaces`, RFC 3891 §6.1: the dialog that this INVITE takes the place of. */
import { type Octets, octets } from '@strowger/proto';
import { defineHeader, type HeaderDef } from '../header.ts';
import { formatParams, hasParam, type Params, parseParams } from '../params.ts';
import { scanCallId } from './call-id.ts';

export interface Replaces {
  readonly callId: Octets;
  /** `to-tag`, `from-tag`, `early-only` and what else came. */
  readonly params: Params;
}

export const replaces: HeaderDef<Replaces> = defineHeader<Replaces>({
  name: 'Replaces',
  list: false,
  parse(s) {
    const callId = scanCallId(s);
    const params = parseParams(s);
    if (!hasParam(params, 'to-tag') || !hasParam(params, 'from-tag')) s.fail('to-tag and from-tag');
    return { callId, params };
  },
  format: ({ callId, params }) => octets`${callId}${formatParams(params)}`,
});
