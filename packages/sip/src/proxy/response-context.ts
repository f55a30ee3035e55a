/**
 * The response context of a stateful proxy: one request, many branches, one fate. RFC 3261 §16.7–16.10, RFC 4320.
 *
 *   proceeding ──2xx, or all branches of all groups final──▶ completed ──last branch final──▶ terminated
 *
 * Groups of targets are tried one after another, the targets of a group at once. A pure reducer over plain data; the
 * branch is a number here, the host knows its client transaction. The best response so far is kept as text, and no
 * other: it is the only one that may still be sent.
 */
import { later, type Mono } from '@strowger/proto';
import type { SipResponse } from '../message/index.ts';
import { DEFAULT_TIMING, type Timing } from '../transaction/timing.ts';
import { type BestResponse, better, finalResponse, forward, type Upstream } from './best-response.ts';

/** Branches of one request, all groups together; further targets are left untried. */
export const MAX_BRANCHES = 64;

/** §16.6 step 11: above three minutes. */
export const TIMER_C = 181_000;

export interface Branch {
  readonly id: number;
  readonly state: 'trying' | 'proceeding' | 'cancelling';
  /** Timer C (INVITE only); after a CANCEL the 64·T1 of §9.1. */
  readonly deadline?: Mono;
}

/** `T` is whatever the host needs to start a branch; plain data. */
export interface ResponseContext<T> {
  readonly state: 'proceeding' | 'completed' | 'terminated';
  readonly invite: boolean;
  readonly timing: Timing;
  readonly timerC: number;
  readonly branches: readonly Branch[];
  readonly waiting: readonly (readonly T[])[];
  readonly nextBranch: number;
  /** A CANCEL or a 6xx came: no new branches (§16.10, §16.7 step 5). */
  readonly stopped: boolean;
  readonly cancelled: boolean;
  readonly best?: BestResponse;
}

export type ContextInput<T> = { readonly now: Mono } & (
  | { readonly kind: 'response'; readonly branch: number; readonly response: SipResponse }
  | { readonly kind: 'failed'; readonly branch: number; readonly reason: 'timeout' | 'transport' }
  /** The branch was redirected and the caller follows (§16.5): its 3xx counts no more, these are tried next. */
  | { readonly kind: 'redirect'; readonly branch: number; readonly targets: readonly T[] }
  /** This group has rung long enough: on to the next. */
  | { readonly kind: 'advance' }
  /** CANCEL from upstream. */
  | { readonly kind: 'cancel' }
  | { readonly kind: 'tick' }
);

export type ContextOutput<T> =
  | { readonly kind: 'try'; readonly branch: number; readonly target: T }
  | { readonly kind: 'cancel'; readonly branch: number }
  | Upstream;

export type ContextStep<T> = readonly [ResponseContext<T>, readonly ContextOutput<T>[]];

/** Starts the first group. With no target at all the answer is 480 (§16.5). */
export function startContext<T>(
  o: {
    readonly invite: boolean;
    readonly groups: readonly (readonly T[])[];
    readonly timing?: Timing;
    readonly timerC?: number;
  },
  now: Mono,
): ContextStep<T> {
  const context: ResponseContext<T> = {
    state: 'proceeding',
    invite: o.invite,
    timing: o.timing ?? DEFAULT_TIMING,
    timerC: o.timerC ?? TIMER_C,
    branches: [],
    waiting: o.groups.filter((group) => group.length > 0),
    nextBranch: 0,
    stopped: false,
    cancelled: false,
  };
  if (context.waiting.length === 0) return settle<T>({ ...context, best: { status: 480, challenges: [] } }, [], now);
  return settle(context, [], now);
}

/** One input, taken in. */
export function stepContext<T>(context: ResponseContext<T>, input: ContextInput<T>): ContextStep<T> {
  switch (input.kind) {
    case 'response':
      return onResponse(context, input.branch, input.response, input.now);
    case 'failed':
      // §16.9: as if 408 or 503 had been received.
      return onFailure(context, input.branch, input.reason === 'timeout' ? 408 : 503, input.now);
    case 'redirect': {
      if (!context.branches.some(({ id }) => id === input.branch)) return [context, []];
      const waiting = input.targets.length === 0 ? context.waiting : [input.targets, ...context.waiting];
      return settle(without({ ...context, waiting }, input.branch), [], input.now);
    }
    case 'advance':
      return cancelPending(context, input.now);
    case 'cancel': {
      // §16.10: only INVITE can be cancelled; anything else is let finish.
      if (!context.invite || context.state !== 'proceeding') return [context, []];
      const [next, outputs] = cancelPending<T>({ ...context, stopped: true, cancelled: true, waiting: [] }, input.now);
      return settle(next, outputs, input.now);
    }
    case 'tick':
      return onTick(context, input.now);
  }
}

/** When the next `tick` is wanted; undefined for none. */
export function nextContextDeadline<T>({ branches }: ResponseContext<T>): Mono | undefined {
  let next: Mono | undefined;
  for (const { deadline } of branches)
    if (deadline !== undefined && !(next !== undefined && next <= deadline)) next = deadline;
  return next;
}

/** Groups by q, highest first; those of one q are tried at once (§16.6). */
export function groupByQ<T>(targets: readonly T[], q: (target: T) => number): readonly (readonly T[])[] {
  const groups = new Map<number, T[]>();
  for (const target of targets) {
    const group = groups.get(q(target));
    if (group) group.push(target);
    else groups.set(q(target), [target]);
  }
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}

function onResponse<T>(context: ResponseContext<T>, id: number, response: SipResponse, now: Mono): ContextStep<T> {
  const { status } = response;
  if (status < 200) return onProvisional(context, id, response, now);
  const known = context.branches.some((b) => b.id === id);
  if (status < 300) {
    // §16.7 step 5: every 2xx to an INVITE goes upstream, also after another; else only the first final response.
    if (!context.invite && context.state !== 'proceeding') return settle(without(context, id), [], now);
    const completed: ResponseContext<T> = { ...bestGone(context), state: 'completed', stopped: true, waiting: [] };
    const [next, cancels] = cancelPending(without(completed, id), now);
    return settle(next, [forward(response), ...cancels], now);
  }
  if (!known) return [context, []];
  const taken = consider(without(context, id), status, response);
  if (status < 600) return settle(taken, [], now);
  const [next, cancels] = cancelPending<T>({ ...taken, stopped: true, waiting: [] }, now);
  return settle(next, cancels, now);
}

function onProvisional<T>(context: ResponseContext<T>, id: number, response: SipResponse, now: Mono): ContextStep<T> {
  const branch = context.branches.find((b) => b.id === id);
  if (branch === undefined) return [context, []];
  const { status } = response;
  const next =
    branch.state === 'cancelling'
      ? context
      : replace(context, {
          id,
          state: 'proceeding',
          // §16.7 step 2: 101–199 set Timer C anew; a 100 does not.
          ...deadlineOf(context.invite && status > 100 ? later(now, context.timerC) : branch.deadline),
        });
  // RFC 4320 §4.1: a provisional response to anything but INVITE has no business upstream.
  const upstream = status > 100 && context.invite && context.state === 'proceeding';
  return [next, upstream ? [forward(response)] : []];
}

function onFailure<T>(context: ResponseContext<T>, id: number, status: number, now: Mono): ContextStep<T> {
  if (!context.branches.some((b) => b.id === id)) return [context, []];
  return settle<T>(consider(without(context, id), status), [], now);
}

function onTick<T>(context: ResponseContext<T>, now: Mono): ContextStep<T> {
  let next = context;
  const outputs: ContextOutput<T>[] = [];
  for (const branch of context.branches) {
    if (branch.deadline === undefined || now < branch.deadline) continue;
    if (branch.state === 'proceeding') {
      // §16.8: Timer C fired on a branch that rings: CANCEL, and wait for what comes of it.
      next = replace(next, cancelling(next, branch.id, now));
      outputs.push({ kind: 'cancel', branch: branch.id });
    } else {
      next = consider(without(next, branch.id), 408);
    }
  }
  return settle(next, outputs, now);
}

/** §16.10: CANCEL for each branch that has no final response; the stack holds one back until a provisional came. */
function cancelPending<T>(context: ResponseContext<T>, now: Mono): ContextStep<T> {
  if (!context.invite) return [context, []];
  const outputs: ContextOutput<T>[] = [];
  const branches = context.branches.map((branch) => {
    if (branch.state === 'cancelling') return branch;
    outputs.push({ kind: 'cancel', branch: branch.id });
    return cancelling(context, branch.id, now);
  });
  return [{ ...context, branches }, outputs];
}

function cancelling<T>(context: ResponseContext<T>, id: number, now: Mono): Branch {
  return { id, state: 'cancelling', deadline: later(now, 64 * context.timing.T1) };
}

/** Goes on to the next group, or to the end, when no branch is left to wait for. */
function settle<T>(context: ResponseContext<T>, before: readonly ContextOutput<T>[], now: Mono): ContextStep<T> {
  if (context.branches.length > 0) return [context, before];
  const [group, ...waiting] = context.waiting;
  if (context.state !== 'proceeding') return [{ ...context, state: 'terminated' }, before];
  if (group !== undefined && !context.stopped && context.nextBranch < MAX_BRANCHES) {
    return tryGroup({ ...context, waiting }, group, before, now);
  }
  const ended: ResponseContext<T> = { ...bestGone(context), state: 'terminated', waiting: [] };
  return [ended, [...before, ...finalResponse(context.best, context)]];
}

function tryGroup<T>(
  context: ResponseContext<T>,
  group: readonly T[],
  before: readonly ContextOutput<T>[],
  now: Mono,
): ContextStep<T> {
  const outputs = [...before];
  const branches: Branch[] = [];
  let { nextBranch } = context;
  for (const target of group.slice(0, MAX_BRANCHES - nextBranch)) {
    branches.push({
      id: nextBranch,
      state: 'trying',
      ...deadlineOf(context.invite ? later(now, context.timerC) : undefined),
    });
    outputs.push({ kind: 'try', branch: nextBranch, target });
    nextBranch += 1;
  }
  return [{ ...context, branches, nextBranch }, outputs];
}

/** Keeps a final response if it is better than the best so far. */
function consider<T>(context: ResponseContext<T>, status: number, response?: SipResponse): ResponseContext<T> {
  return context.state === 'proceeding' ? { ...context, best: better(context.best, status, response) } : context;
}

function bestGone<T>({ best: _, ...context }: ResponseContext<T>): ResponseContext<T> {
  return context;
}

function without<T>(context: ResponseContext<T>, id: number): ResponseContext<T> {
  return { ...context, branches: context.branches.filter((b) => b.id !== id) };
}

function replace<T>(context: ResponseContext<T>, branch: Branch): ResponseContext<T> {
  return { ...context, branches: context.branches.map((b) => (b.id === branch.id ? branch : b)) };
}

const deadlineOf = (deadline: Mono | undefined): { readonly deadline?: Mono } =>
  deadline === undefined ? {} : { deadline };
