/** The one response that goes upstream when no branch answered 2xx, RFC 3261 §16.7 steps 6–8. */
import { type Octets, own } from '@strowger/proto';
import {
  type Edit,
  parseMessage,
  proxyAuthenticate,
  type SipResponse,
  splice,
  wwwAuthenticate,
} from '../message/index.ts';

/** The best final response so far. Without text it is one of ours. */
export interface BestResponse {
  readonly status: number;
  readonly text?: Octets;
  readonly challenges: readonly Challenge[];
}

/** §16.7 step 7: every branch's challenge goes upstream, not only that of the chosen response. */
export interface Challenge {
  readonly name: 'WWW-Authenticate' | 'Proxy-Authenticate';
  readonly value: Octets;
}

/** What a proxy sends towards the caller: a branch's response without our Via, or one of our own for the host to compose. */
export type Upstream =
  | { readonly kind: 'forward'; readonly status: number; readonly text: Octets }
  | { readonly kind: 'reply'; readonly status: number };

/** Challenges kept; a caller with more realms than that has other problems. */
const MAX_CHALLENGES = 64;

/** The better of two. */
export function better(best: BestResponse | undefined, status: number, response?: SipResponse): BestResponse {
  const known = best?.challenges ?? [];
  const challenged = response !== undefined && (status === 401 || status === 407);
  const challenges = challenged ? [...known, ...challengesOf(response)].slice(0, MAX_CHALLENGES) : known;
  if (best && rank(best.status) <= rank(status)) return { ...best, challenges };
  return response ? { status, text: own(response.text), challenges } : { status, challenges };
}

/** What the caller gets once no branch is open any more; nothing where RFC 4320 forbids it. */
export function finalResponse(
  best: BestResponse | undefined,
  { invite, cancelled }: { readonly invite: boolean; readonly cancelled: boolean },
): readonly Upstream[] {
  const status = best?.status ?? 408;
  const read = best?.text === undefined ? undefined : parseMessage(best.text);
  if (read?.kind === 'message' && read.message.kind === 'response' && status !== 503) {
    return [forward(read.message, status === 401 || status === 407 ? best?.challenges : [])];
  }
  // RFC 4320 §4.2: whoever asked has timed out as well, and a late 408 only does harm.
  if (!invite && status === 408) return [];
  if (cancelled && status === 408) return [{ kind: 'reply', status: 487 }];
  // §16.7 step 6: 503 is about the next hop, not about us.
  return [{ kind: 'reply', status: status === 503 ? 500 : status }];
}

/** The lower, the better: 6xx first, then by class; within 4xx what tells the caller how to ask again. */
function rank(status: number): number {
  if (status >= 600) return 0;
  const step = Math.floor(status / 100) * 10;
  if (status === 401 || status === 407) return step;
  if (status === 415 || status === 420 || status === 484) return step + 1;
  // Silence and our own CANCEL say least.
  if (status === 408 || status === 487) return step + 3;
  return status === 503 ? step + 3 : step + 2;
}

function challengesOf(response: SipResponse): readonly Challenge[] {
  return [
    ...response.rawAll(wwwAuthenticate).map((value): Challenge => ({ name: 'WWW-Authenticate', value: own(value) })),
    ...response
      .rawAll(proxyAuthenticate)
      .map((value): Challenge => ({ name: 'Proxy-Authenticate', value: own(value) })),
  ];
}

/** A response without our Via; with challenges, all branches' in place of its own. */
export function forward(response: SipResponse, challenges: readonly Challenge[] = []): Upstream {
  const edits: Edit[] = [{ op: 'delete', name: 'Via', index: 0 }];
  if (challenges.length > 0) {
    edits.push({ op: 'remove', name: 'WWW-Authenticate' }, { op: 'remove', name: 'Proxy-Authenticate' });
    for (const { name, value } of challenges) edits.push({ op: 'insert', at: 'end', name, value });
  }
  return { kind: 'forward', status: response.status, text: splice(response, edits) };
}
