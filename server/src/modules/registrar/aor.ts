/** Whose bindings a REGISTER is about: its To, and whether the sender may touch them (RFC 3261 §10.3 steps 1–5). */
import { parseUri } from '@strowger/sip';
import type { Answer, Exchange } from '../../kernel/exchange.ts';
import { because } from '../../kernel/reason.ts';
import type { DirectoryService } from '../directory/api.ts';
import type { Aor } from '../location/api.ts';

export function aorOf({ request, principal }: Exchange, people: DirectoryService): Aor | Answer {
  const registrar = parseUri(request.uriText);
  if (!registrar.ok || registrar.value.kind !== 'sip') {
    return { status: 416, reason: because('register-uri-not-sip') };
  }
  const { uri } = request.to;
  if (uri.kind !== 'sip' || uri.user === undefined) return { status: 404, reason: because('aor-without-user') };
  if (principal.kind === 'anonymous') return { status: 403, reason: because('not-allowed') };
  const { tenant } = principal;
  const extension = people.extensionOf(tenant, uri);
  if (extension === undefined) return { status: 404, reason: because('aor-unknown') };
  // A device registers for its own extension and for no other (§10.3 step 4); a trusted network for any.
  if (principal.kind === 'device' && principal.extension !== extension) {
    return { status: 403, reason: because('aor-of-somebody-else') };
  }
  return { tenant, extension };
}
