/** What the INVITE usage says, in a leg's words: bodies are owned here, messages go no further. */
import { own } from '@strowger/proto';
import { retryAfter } from '@strowger/sip';
import type { CallEvent } from '@strowger/sip/ua';
import type { Body, LegEnded, LegEvent } from './leg.ts';

export function eventOf(event: CallEvent): LegEvent | undefined {
  switch (event.kind) {
    case 'progress':
      return { kind: 'progress', status: event.status, ...bodyOf(event.body) };
    case 'answered':
      return { kind: 'answered', ...bodyOf(event.body) };
    case 'acknowledged':
      return { kind: 'acknowledged', first: event.first, ...bodyOf(event.body) };
    case 'offer':
      return { kind: 'offer', ...bodyOf(event.body) };
    case 'offer-withdrawn':
      return { kind: 'offer-withdrawn' };
    case 'offer-answered':
      return { kind: 'offer-answered', ...bodyOf(event.body) };
    case 'offer-failed':
      return { kind: 'offer-failed', status: event.status };
    case 'request': {
      const info = event.request.raw('Info-Package');
      const { key, method } = event;
      return {
        kind: 'request',
        key,
        method: own(method),
        ...bodyOf(event.body),
        ...(info === undefined ? {} : { info: own(info) }),
      };
    }
    case 'reply':
      return event.context === undefined ? undefined : { kind: 'reply', context: event.context, status: event.status };
    case 'challenged':
      // The phone wants credentials from its own exchange; there are none to give, and the call is over all the same.
      return undefined;
    case 'ended':
      return endedOf(event);
  }
}

function endedOf(event: Extract<CallEvent, { kind: 'ended' }>): LegEnded {
  const wait = event.response?.get(retryAfter);
  return {
    kind: 'ended',
    by: event.by,
    cause: event.cause,
    ...(event.status === undefined ? {} : { status: event.status }),
    ...(wait === undefined ? {} : { retryAfter: wait.delta }),
  };
}

const bodyOf = (body: Body | undefined): { readonly body?: Body } =>
  body === undefined ? {} : { body: { type: own(body.type), text: own(body.text) } };
