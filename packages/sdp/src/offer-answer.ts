/**
 * The offer/answer exchange of one session, RFC 3264 with the glare and rollback rules of RFC 6337 §2.
 *
 *   idle ──offer──▶ local-offer / remote-offer ──answer──▶ stable ──offer──▶ …
 *                          └──rollback──▶ idle or stable, as it was before
 *
 * Pure, and its state is plain data. It judges; what is sent for a verdict (491, 488, 500) is the dialog usage's part.
 */
import { type Octets, own } from '@strowger/proto';
import { parseSdp, type SessionDescription } from './description.ts';

/** What was last agreed: the two descriptions that are in force. */
export interface Agreement {
  readonly local: Octets;
  readonly remote: Octets;
}

export type OfferAnswer =
  | { readonly kind: 'idle' }
  | { readonly kind: 'local-offer'; readonly offer: Octets; readonly before?: Agreement }
  | { readonly kind: 'remote-offer'; readonly offer: Octets; readonly before?: Agreement }
  | { readonly kind: 'stable'; readonly agreed: Agreement };

export type OfferAnswerInput =
  | { readonly kind: 'local-offer' | 'remote-offer' | 'local-answer' | 'remote-answer'; readonly text: Octets }
  /** The request that carried the offer was refused, or ended without an answer. */
  | { readonly kind: 'rollback' };

export type OfferAnswerVerdict =
  | { readonly kind: 'ok'; readonly notes: readonly OfferAnswerNote[] }
  /** An answer that no offer waits for: the 200 that repeats what a 183 said (RFC 6337 §3.1). */
  | { readonly kind: 'ignored'; readonly code: 'no-offer-pending' }
  | { readonly kind: 'refused'; readonly code: OfferAnswerRefusal };

export type OfferAnswerRefusal =
  | 'unreadable'
  /** Both offered: 491 (RFC 3261 §14.1). */
  | 'glare'
  /** A second offer of one side while its first waits: 500 (§14.2). */
  | 'offer-pending'
  /** §8: an `m=` line never goes away. */
  | 'media-lines-shrank'
  /** §6: an answer has as many `m=` lines as the offer, of the same kinds. */
  | 'media-lines-differ'
  /** §6: what was offered with port 0 stays refused. */
  | 'refused-stream-revived';

/** Sins that real peers commit and that harm nobody. */
export type OfferAnswerNote = 'version-not-stepped' | 'version-stepped-by-more' | 'session-changed';

export const IDLE: OfferAnswer = { kind: 'idle' };

/** The two descriptions in force, also while a new offer is pending. */
export function agreement(state: OfferAnswer): Agreement | undefined {
  switch (state.kind) {
    case 'idle':
      return undefined;
    case 'stable':
      return state.agreed;
    case 'local-offer':
    case 'remote-offer':
      return state.before;
  }
}

/** Takes one offer, answer or failure. On anything but `ok` the state is as it was. */
export function step(state: OfferAnswer, input: OfferAnswerInput): readonly [OfferAnswer, OfferAnswerVerdict] {
  switch (input.kind) {
    case 'local-offer':
    case 'remote-offer':
      return onOffer(state, input.kind, input.text);
    case 'local-answer':
      return onAnswer(state, 'remote-offer', input.text);
    case 'remote-answer':
      return onAnswer(state, 'local-offer', input.text);
    case 'rollback': {
      const agreed = agreement(state);
      return [agreed ? { kind: 'stable', agreed } : IDLE, OK];
    }
  }
}

const OK: OfferAnswerVerdict = { kind: 'ok', notes: [] };
const refuse = (code: OfferAnswerRefusal): OfferAnswerVerdict => ({ kind: 'refused', code });

type Step = readonly [OfferAnswer, OfferAnswerVerdict];

function onOffer(state: OfferAnswer, kind: 'local-offer' | 'remote-offer', text: Octets): Step {
  if (state.kind === 'local-offer' || state.kind === 'remote-offer') {
    return [state, refuse(state.kind === kind ? 'offer-pending' : 'glare')];
  }
  const offer = parseSdp(text);
  if (!offer.ok) return [state, refuse('unreadable')];
  const before = agreement(state);
  const pending = { kind, offer: own(text) };
  if (!before) return [pending, OK];
  const last = parseSdp(kind === 'local-offer' ? before.local : before.remote);
  if (last.ok && offer.value.media.length < last.value.media.length) return [state, refuse('media-lines-shrank')];
  const notes = last.ok ? versionNotes(last.value, offer.value) : [];
  return [
    { ...pending, before },
    { kind: 'ok', notes },
  ];
}

function onAnswer(state: OfferAnswer, expected: 'local-offer' | 'remote-offer', text: Octets): Step {
  if (state.kind !== expected) return [state, { kind: 'ignored', code: 'no-offer-pending' }];
  const offer = parseSdp(state.offer);
  const answer = parseSdp(text);
  if (!offer.ok || !answer.ok) return [state, refuse('unreadable')];
  const wrong = answerFault(offer.value, answer.value);
  if (wrong) return [state, refuse(wrong)];
  const answered = own(text);
  const fromUs = expected === 'remote-offer';
  const agreed = fromUs ? { local: answered, remote: state.offer } : { local: state.offer, remote: answered };
  const last = state.before && parseSdp(fromUs ? state.before.local : state.before.remote);
  return [
    { kind: 'stable', agreed },
    { kind: 'ok', notes: last?.ok ? versionNotes(last.value, answer.value) : [] },
  ];
}

function answerFault(offer: SessionDescription, answer: SessionDescription): OfferAnswerRefusal | undefined {
  if (answer.media.length !== offer.media.length) return 'media-lines-differ';
  for (const [i, offered] of offer.media.entries()) {
    const answered = answer.media[i];
    if (answered?.kind !== offered.kind) return 'media-lines-differ';
    // A bundled stream is offered with port 0 and lives (RFC 9143 §7.2.1).
    const bundled = offered.attributes.some(({ name }) => name === 'bundle-only');
    if (offered.port === 0 && answered.port !== 0 && !bundled) return 'refused-stream-revived';
  }
  return undefined;
}

/** RFC 3264 §8: the same session id; a version that is one higher if anything changed, else the same. */
function versionNotes(last: SessionDescription, next: SessionDescription): OfferAnswerNote[] {
  const [before, after] = [last.origin, next.origin];
  if (before.sessionId !== after.sessionId || before.username !== after.username) return ['session-changed'];
  if (before.version === after.version) {
    const changed = JSON.stringify({ ...last, origin: 0 }) !== JSON.stringify({ ...next, origin: 0 });
    return changed ? ['version-not-stepped'] : [];
  }
  // Beyond 2^53 two neighbours may look alike, which is near enough for a note.
  return Number(after.version) - Number(before.version) > 1 ? ['version-stepped-by-more'] : [];
}
