/** Whether the record of a call says what its phones saw. */
import type { Mono, Wall } from '@strowger/proto';
import type { PhoneCall, VirtualClock } from '@strowger/testkit';
import type { CdrRow } from '../../../server/src/modules/cdr/store.ts';

export interface Seen {
  readonly clock: VirtualClock;
  readonly caller: PhoneCall;
  readonly callee: PhoneCall | undefined;
  /** Who hung up, and when; absent where the call ended by itself. */
  readonly hungUp?: { readonly by: PhoneCall; readonly at: Mono };
}

/** Differences, in words; there is to be one record, and it is to be right. */
export function checkRecord(records: readonly CdrRow[], seen: Seen): readonly string[] {
  const [record] = records;
  if (!record || records.length > 1) return [`${records.length} call records`];
  return [...checkFacts(record, seen), ...checkTimes(record, seen)].map((what) => `the call record ${what}`);
}

function checkFacts(
  { caller, callee, callId, outcome, status, endedBy, reason }: CdrRow,
  seen: Seen,
): readonly string[] {
  const problems: string[] = [];
  const expect = (what: string, is: unknown, wanted: unknown) => {
    if (is !== wanted) problems.push(`says ${what} ${String(is)}, not ${String(wanted)} (${reason})`);
  };
  expect('caller', caller, '1001');
  expect('callee', callee, '1002');
  expect('Call-ID', callId, seen.caller.callId);
  const answered = seen.caller.answeredAt !== undefined || reason === 'caller-no-ack';
  expect('answered', outcome === 'answered', answered);
  if (answered) expect('status', status, 200);
  if (!seen.hungUp) return problems;
  const side = seen.hungUp.by === seen.caller ? 'caller' : 'callee';
  expect('ended by', endedBy, side);
  expect('reason', reason, `${side}-hung-up`);
  return problems;
}

function checkTimes({ startedAt, ringingAt, answeredAt, endedAt }: CdrRow, seen: Seen): readonly string[] {
  const times = [startedAt, ringingAt, answeredAt, endedAt].filter((at) => at !== undefined);
  if (times.some((at, i) => at < (times[i - 1] ?? at))) return [`has its times out of order: ${times.join(' ')}`];
  const zero = seen.clock.wall() - seen.clock.now();
  const between = (what: string, at: Wall | undefined, first: number | undefined, last: number | undefined) =>
    at === undefined || at + 1 < zero + (first ?? 0) || at - 1 > zero + (last ?? Number.POSITIVE_INFINITY)
      ? [`has ${what} at ${(at ?? Number.NaN) - zero}, not between ${first} and ${last}`]
      : [];
  const { caller, callee, hungUp } = seen;
  return [
    ...(caller.answeredAt === undefined ? [] : between('answer', answeredAt, callee?.answeredAt, caller.answeredAt)),
    ...(hungUp ? between('end', endedAt, hungUp.at, seen.clock.now()) : []),
  ];
}
