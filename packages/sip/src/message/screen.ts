/**
 * The first verdict on a message: whether it is sound enough to be acted on (RFC 3261 §8.2, §16.3 step 1, §18.3). What
 * depends on who we are (methods, schemes, extensions, hops left) is decided later by those who know.
 */
import { lowerAscii, type Octets } from '@strowger/proto';
import { methodRow } from '../registry/methods.ts';
import { reasonPhrase } from '../registry/responses.ts';
import { FIELD, type Head, ID, VALUE_END, VALUE_START } from './head.ts';
import type { HeaderDef } from './header.ts';
import { callId } from './headers/call-id.ts';
import { contact } from './headers/contact.ts';
import { contentLength } from './headers/content-length.ts';
import { contentType } from './headers/content-type.ts';
import { cseq } from './headers/cseq.ts';
import { from } from './headers/from.ts';
import { maxForwards } from './headers/max-forwards.ts';
import { recordRoute } from './headers/record-route.ts';
import { route } from './headers/route.ts';
import { to } from './headers/to.ts';
import { via } from './headers/via.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { headerId, headerName } from './names.ts';
import { param } from './params.ts';
import { quotedNuls } from './quoted.ts';

/** Why a message is not acted on. */
export interface Screening {
  readonly status: 400 | 413 | 416 | 420 | 482 | 483 | 501 | 505;
  /** The reason code, in kebab case: stable, for counters and records. */
  readonly code: string;
  /** The reason phrase of the answer. */
  readonly text: Octets;
  /** A response or an ACK: never answered. */
  readonly drop?: true;
}

/** The reason code with which routing answers 416: a scheme it cannot resolve (RFC 3261 §8.2.2.1, §16.3 step 2). */
export const UNSUPPORTED_SCHEME = 'unsupported-uri-scheme';

/** Undefined when the message is sound; then its shortcuts (`topVia`, `from` …) may be used. */
export function screenMessage(message: SipMessage): Screening | undefined {
  const fault = screenForm(message.text, message.head) ?? screenFields(message) ?? screenRequest(message);
  if (fault === undefined) return undefined;
  return mayAnswer(message) ? fault : { ...fault, drop: true };
}

function screenForm(text: Octets, head: Head): Screening | undefined {
  switch (head.flaw) {
    case 'start-line':
      return bad('bad-start-line', 'Bad Request-Line');
    case 'version':
      return { status: 505, code: 'bad-version', text: reasonPhrase(505) };
    case 'field':
      return bad('bad-header-line', 'Bad Header Line');
    case 'unfinished':
      return bad('unfinished-head', 'Unfinished Header');
    case 'bare-control':
      return bad('bare-control', 'Stray Control Character');
    case undefined:
      break;
  }
  return head.hasNul && !nulsAreQuoted(text, head) ? bad('bare-control', 'Stray Control Character') : undefined;
}

/** Fields that may stand but once, on whatever line form: two of them are two opinions of one message. */
const SINGLE: ReadonlySet<number> = new Set(
  [
    ...['Call-ID', 'CSeq', 'From', 'To', 'Max-Forwards', 'Content-Length', 'Content-Type', 'Expires', 'Min-Expires'],
    ...['Content-Disposition', 'Date', 'MIME-Version', 'Retry-After', 'Timestamp', 'Event', 'Subscription-State'],
    ...['Refer-To', 'Session-Expires', 'Replaces', 'RSeq', 'RAck', 'SIP-ETag', 'SIP-If-Match', 'Reply-To'],
  ].map(headerId),
);

const IS_SINGLE: Uint8Array = Uint8Array.from({ length: 256 }, (_, id) => (SINGLE.has(id) ? 1 : 0));
const seen: Int32Array = new Int32Array(256);
let turn = 0;

function duplicate({ fields }: Head): number {
  // A mark of this call's own number means "seen": nothing is cleared between messages.
  turn = (turn + 1) | 0;
  for (let i = 0; i < fields.length; i += FIELD) {
    const id = fields[i + ID] ?? 0;
    if (id <= 0) continue;
    if (seen[id] === turn && IS_SINGLE[id] === 1) return id;
    seen[id] = turn;
  }
  return 0;
}

/** Each must be there and sound (§8.1.1); Max-Forwards is not asked of RFC 2543 elements, which knew none of it. */
const NEEDED: readonly HeaderDef<unknown>[] = [from, to, callId, cseq] as HeaderDef<unknown>[];

/** Each must be sound if it is there, in requests: what routing, dialogs and framing act on. */
const CHECKED: readonly HeaderDef<unknown>[] = [maxForwards, contentType] as HeaderDef<unknown>[];
const CHECKED_ALL: readonly HeaderDef<unknown>[] = [contact, route, recordRoute] as HeaderDef<unknown>[];

function screenFields(message: SipMessage): Screening | undefined {
  const twice = duplicate(message.head);
  if (twice !== 0) return bad(`duplicate-${kebab(headerName(twice))}`, `Multiple ${headerName(twice)}`);
  // Answers go by the Vias, so all of them must be readable.
  const vias = message.readAll(via);
  if (!vias.ok) return badField(via);
  if (vias.value.length === 0) return bad('missing-via', 'Missing Via');
  for (const def of NEEDED) {
    const value = message.read(def);
    if (value === undefined) return bad(`missing-${kebab(def.name)}`, `Missing ${def.name}`);
    if (!value.ok) return badField(def);
  }
  return screenLength(message);
}

function screenLength(message: SipMessage): Screening | undefined {
  const length = message.read(contentLength);
  if (length === undefined) return undefined;
  if (!length.ok) return badField(contentLength);
  if (length.value > message.body.length) return bad('short-body', 'Content-Length Beyond Message');
  return undefined;
}

function screenRequest(message: SipMessage): Screening | undefined {
  if (message.kind === 'response') return undefined;
  if (message.cseq.method !== message.method) {
    // RFC 4475 §3.1.2.18: of a method nobody knows, that is the better answer.
    if (methodRow(message.method) === undefined) return { status: 501, code: 'cseq-method', text: reasonPhrase(501) };
    return bad('cseq-method', 'CSeq Method Mismatch');
  }
  if (!message.uri.ok || (message.uri.value.kind === 'sip' && message.uri.value.headers !== undefined)) {
    return bad('bad-request-uri', 'Bad Request-URI');
  }
  const { head } = message;
  for (const def of CHECKED) if (present(head, def.id) && message.read(def)?.ok === false) return badField(def);
  if (present(head, maxForwards.id) && (message.get(maxForwards) ?? 0) > 255) return badField(maxForwards);
  for (const def of CHECKED_ALL) if (present(head, def.id) && !message.readAll(def).ok) return badField(def);
  return screenBranch(message);
}

/** The cookie that promises a unique branch, and no branch after it: all such would be one transaction (RFC 4475 §3.2.1). */
function screenBranch(message: SipRequest): Screening | undefined {
  const branch = param(message.topVia.params, 'branch');
  return branch?.length === 7 && lowerAscii(branch) === 'z9hg4bk' ? bad('bad-branch', 'Bad Branch') : undefined;
}

function present({ fields }: Head, id: number): boolean {
  for (let i = 0; i < fields.length; i += FIELD) if (fields[i] === id) return true;
  return false;
}

/** §17.1.1.3, §8.2: nobody answers a response or an ACK. */
function mayAnswer(message: SipMessage): boolean {
  return message.kind === 'request' && message.method !== 'ACK';
}

/** A NUL is allowed only as the second half of a quoted-pair (§25.1; RFC 4475 §3.1.1.2). */
function nulsAreQuoted(text: Octets, { fields, start, end }: Head): boolean {
  const first = text.indexOf('\0');
  if (first < start) return false;
  let counted = 0;
  for (let i = 0; i < fields.length; i += FIELD) {
    counted += quotedNuls(text, fields[i + VALUE_START] ?? 0, fields[i + VALUE_END] ?? 0);
  }
  let all = 0;
  for (let at = first; at >= 0 && at < end; at = text.indexOf('\0', at + 1)) all += 1;
  return all === counted;
}

function badField(def: HeaderDef<unknown>): Screening {
  return bad(`bad-${kebab(def.name)}`, `Bad ${def.name}`);
}

// lint-allow octets-case: the name of a HeaderDef, which is ASCII
const kebab = (name: string): string => name.toLowerCase();

/** A phrase of ours: plain ASCII. */
function bad(code: string, text: string): Screening {
  return { status: 400, code, text: text as Octets };
}
